/** The controls that stay put at the bottom, and the keyboard's way to them. */

import { filled, gettext, ngettext } from '../i18n.js';
import { commandOf } from '../shortcuts.js';
import { inCall, me } from '../state.js';
import { optional, required } from './dom.js';

/** @typedef {import('../state.js').RoomStore} RoomStore */
/** @typedef {import('../state.js').State} State */
/** @typedef {import('../state.js').Source} Source */

/**
 * @typedef {Object} Duties
 * @property {(source: Source) => void} toggle
 * @property {() => void} share
 * @property {() => void} leave
 * @property {(panel: import('../state.js').Panel) => void} panel
 */

/** @param {string} id */
const button = (id) => required(id, HTMLButtonElement);

/**
 * @param {RoomStore} store
 * @param {Duties} duties
 */
export function showControls(store, { toggle, share, leave, panel }) {
  button('control-microphone').addEventListener('click', () => toggle('microphone'));
  button('control-camera').addEventListener('click', () => toggle('camera'));
  button('control-chat').addEventListener('click', () => panel('chat'));
  button('control-people').addEventListener('click', () => panel('people'));
  button('control-quality').addEventListener('click', () => panel('quality'));
  button('control-leave').addEventListener('click', leave);
  const screen = button('control-share');
  screen.addEventListener('click', share);
  screen.hidden = !navigator.mediaDevices || !('getDisplayMedia' in navigator.mediaDevices);

  showMore();
  store.subscribe(render);
  document.addEventListener('keydown', (event) => {
    const command = inCall(store.get()) && !occupied(event.target) ? commandOf(event) : null;
    if (!command) return;
    event.preventDefault();
    button(command === 'help' ? 'open-help' : `control-${command}`).click();
  });
}

/** Whether the person is typing, or a dialog wants their answer first. @param {EventTarget | null} target */
function occupied(target) {
  if (document.querySelector('dialog[open]')) return true;
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches('textarea, select, input:not([type=checkbox], [type=radio])');
}

/** @param {State} now */
function render(now) {
  const self = me(now);
  press('control-microphone', Boolean(self?.microphone), now.busy.microphone);
  press('control-camera', Boolean(self?.camera), now.busy.camera);
  press('control-share', Boolean(self?.screen), false);
  for (const panel of ['chat', 'people', 'quality']) {
    button(`control-${panel}`).setAttribute('aria-expanded', String(now.panel === panel));
  }
  const record = optional('control-record', HTMLButtonElement);
  record?.setAttribute('aria-pressed', String(now.recording));
  const underWay = now.recordingRequest !== null && (now.recordingRequest === 'start') !== now.recording;
  record?.setAttribute('aria-busy', String(underWay));
  renderCounts(now);
  const micTitle = self?.microphone ? gettext('Turn off the microphone') : gettext('Turn on the microphone');
  const cameraTitle = self?.camera ? gettext('Turn off the camera') : gettext('Turn on the camera');
  button('control-microphone').title = titled(micTitle, 'D');
  button('control-camera').title = titled(cameraTitle, 'E');
}

/** @param {State} now */
function renderCounts({ unread, people }) {
  const messages = ngettext('%(count)s unread message', '%(count)s unread messages', unread);
  const persons = ngettext('%(count)s person', '%(count)s people', people.length);
  badge('unread', unread, filled(messages, { count: unread }));
  badge('people-count', people.length, filled(persons, { count: people.length }));
}

/** @param {string} text @param {string} key */
function titled(text, key) {
  return `${text} (${/Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl'}+${key})`;
}

/** @param {string} id @param {boolean} on @param {boolean} busy */
function press(id, on, busy) {
  button(id).setAttribute('aria-pressed', String(on));
  button(id).setAttribute('aria-busy', String(busy));
}

/** @param {string} id @param {number} count @param {string} words for screen readers */
function badge(id, count, words) {
  const mark = required(id, HTMLElement);
  mark.hidden = count === 0;
  required(`${id}-number`, HTMLElement).textContent = count > 99 ? '99+' : String(count);
  const text = required(`${id}-words`, HTMLElement);
  if (text.textContent !== words) text.textContent = words;
}

/** On a narrow screen the rarer controls wait behind one button. */
function showMore() {
  const more = button('control-more');
  const rarer = required('rarer-controls', HTMLElement);
  /** @param {boolean} open */
  const set = (open) => {
    more.setAttribute('aria-expanded', String(open));
    rarer.classList.toggle('open', open);
  };
  more.addEventListener('click', () => set(more.getAttribute('aria-expanded') !== 'true'));
  rarer.addEventListener('click', () => set(false));
  rarer.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    set(false);
    more.focus();
  });
  document.addEventListener('click', (event) => {
    if (event.target instanceof Node && !more.contains(event.target) && !rarer.contains(event.target)) set(false);
  });
}
