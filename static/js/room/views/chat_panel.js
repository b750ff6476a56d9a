/** The chat beside the tiles. */

import { pieces } from '../chat.js';
import { me } from '../state.js';
import { make, required } from './dom.js';

/** @typedef {import('../state.js').RoomStore} RoomStore */
/** @typedef {import('../chat.js').Message} Message */

/**
 * @param {RoomStore} store
 * @param {{say: (text: string) => Promise<boolean>, close: () => void, language: string}} duties
 */
export function showChat(store, { say, close, language }) {
  const panel = required('chat-panel', HTMLElement);
  const list = required('chat-messages', HTMLElement);
  const log = required('chat-log', HTMLElement);
  const form = required('chat-form', HTMLFormElement);
  const input = required('chat-input', HTMLTextAreaElement);
  required('chat-close', HTMLButtonElement).addEventListener('click', close);
  const clock = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    input.value = '';
    if (!(await say(text))) input.value ||= text;
    input.focus();
  });
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  panel.addEventListener('keydown', (event) => event.key === 'Escape' && close());

  store.subscribe((now, before) => {
    const opened = now.panel === 'chat' && before.panel !== 'chat';
    panel.hidden = now.panel !== 'chat';
    if (now.chat !== before.chat) {
      renderMessages(list, now.chat, { own: me(now)?.identity, clock });
      required('chat-empty', HTMLElement).hidden = now.chat.length > 0;
    }
    if (opened || now.chat !== before.chat) log.scrollTop = log.scrollHeight;
    if (opened) input.focus();
  });
}

/**
 * Keeps the elements of messages shown already: a screen reader would read the whole log again.
 * @param {HTMLElement} list
 * @param {readonly Message[]} messages
 * @param {{own: string | undefined, clock: Intl.DateTimeFormat}} options
 */
function renderMessages(list, messages, { own, clock }) {
  const shown = new Map([...list.children].map((child) => [/** @type {HTMLElement} */ (child).dataset.id, child]));
  const wanted = messages.map((message) => shown.get(message.id) ?? messageElement(message, message.identity === own, clock));
  const kept = new Set(wanted);
  for (const child of shown.values()) if (!kept.has(child)) child.remove();
  wanted.forEach((element, place) => {
    if (list.children[place] !== element) list.insertBefore(element, list.children[place] ?? null);
  });
}

/**
 * @param {Message} message
 * @param {boolean} own
 * @param {Intl.DateTimeFormat} clock
 */
function messageElement({ id, name, text, sentAt }, own, clock) {
  const time = make('time', { text: clock.format(new Date(sentAt)) });
  time.dateTime = sentAt;
  const head = make('div', { class: 'message-head' }, [make('strong', { text: name }), time]);
  const body = make('p', {}, pieces(text).map((piece) => (piece.link ? linkTo(piece.text) : document.createTextNode(piece.text))));
  return make('li', { class: own ? 'message message-own' : 'message', data: { testid: 'chat-message', id } }, [head, body]);
}

/** @param {string} address */
function linkTo(address) {
  const link = make('a', { text: address });
  link.href = address;
  link.target = '_blank';
  link.rel = 'noopener noreferrer';
  return link;
}
