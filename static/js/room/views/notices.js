/** What the page tells in passing: shown for a while, and read out. */

import { gettext } from '../i18n.js';
import { inCall } from '../state.js';
import { icon, make, required } from './dom.js';

/** @typedef {import('../state.js').RoomStore} RoomStore */
/** @typedef {import('../state.js').Notice} Notice */

const SHOWN_MS = 6000;

/** @param {RoomStore} store */
export function showNotices(store) {
  const polite = required('notices', HTMLElement);
  const urgent = required('errors', HTMLElement);
  const reconnecting = required('reconnecting', HTMLElement);
  /** @type {Map<number, HTMLElement>} */
  const shown = new Map();
  /** @param {number} id */
  const dismiss = (id) => store.update({ notices: store.get().notices.filter((notice) => notice.id !== id) });

  store.subscribe((now) => {
    const lost = now.phase === 'reconnecting' ? gettext('The connection is interrupted. Reconnecting…') : '';
    if (reconnecting.textContent !== lost) reconnecting.textContent = lost;
    const wanted = new Set(inCall(now) ? now.notices.map((notice) => notice.id) : []);
    for (const [id, element] of shown) {
      if (wanted.has(id)) continue;
      element.remove();
      shown.delete(id);
    }
    for (const notice of now.notices) {
      if (!wanted.has(notice.id) || shown.has(notice.id)) continue;
      const element = noticeElement(notice, dismiss);
      shown.set(notice.id, element);
      (notice.error ? urgent : polite).append(element);
      if (!notice.error) setTimeout(() => dismiss(notice.id), SHOWN_MS);
    }
  });
}

/**
 * @param {Notice} notice
 * @param {(id: number) => void} dismiss
 */
function noticeElement({ id, text, error }, dismiss) {
  const element = make('div', { class: error ? 'toast toast-error' : 'toast' }, [make('span', { text })]);
  if (!error) return element;
  const close = make('button', { class: 'round round-quiet' }, [icon('close')]);
  close.type = 'button';
  close.setAttribute('aria-label', gettext('Dismiss'));
  close.addEventListener('click', () => dismiss(id));
  element.append(close);
  return element;
}
