/** The page around the parts: which phase is seen, and the dark look of the call. */

import { inCall } from '../state.js';
import { required } from './dom.js';

/** @typedef {import('../state.js').RoomStore} RoomStore */

/** @param {RoomStore} store */
export function showFrame(store) {
  const root = document.documentElement;
  const before = root.dataset.theme;
  const room = required('room', HTMLElement);
  store.subscribe((now, then) => {
    if (now.phase === then.phase) return;
    const calling = inCall(now);
    room.hidden = !calling;
    document.body.classList.toggle('in-call', calling);
    if (calling) root.dataset.theme = 'dark';
    else if (before) root.dataset.theme = before;
    else delete root.dataset.theme;
    if (calling && !inCall(then)) required('control-microphone', HTMLButtonElement).focus({ preventScroll: true });
    if (calling) return;
    for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  });
}
