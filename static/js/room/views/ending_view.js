/** After the call: what happened, what to do, and the way back. */

import { gettext } from '../i18n.js';
import { required } from './dom.js';

/** @typedef {import('../state.js').RoomStore} RoomStore */
/** @typedef {import('../endings.js').Ending} Ending */

/** @param {Ending} ending */
function words(ending) {
  switch (ending) {
    case 'left':
      return [gettext('You left the meeting'), gettext('Left by mistake? Come back with one click.')];
    case 'elsewhere':
      return [gettext('You joined from another window'), gettext('The meeting goes on there. Coming back here ends it there.')];
    case 'removed':
      return [gettext('You were removed from the meeting'), gettext('Ask the host if you think that this is a mistake.')];
    case 'over':
      return [gettext('The meeting has ended'), gettext('It was ended for everyone.')];
    case 'refused':
      return [gettext('You could not be let in'), gettext('Your admission is no longer valid. Try again; if it keeps failing, ask the host to invite you.')];
    case 'unreachable':
      return [
        gettext('The connection could not be made'),
        gettext('This network may block video calls (UDP). Try another network or ask your network team to open the way to this server, then try again.'),
      ];
    default:
      return [gettext('The connection was lost'), gettext('Check your network, then come back. Nothing that was said in the chat or recorded so far is lost.')];
  }
}

/**
 * @param {RoomStore} store
 * @param {{rejoin: () => void}} duties
 */
export function showEnding(store, { rejoin }) {
  const section = required('ended', HTMLElement);
  const title = required('ended-title', HTMLElement);
  const again = required('rejoin', HTMLButtonElement);
  again.addEventListener('click', rejoin);

  store.subscribe((now, before) => {
    section.hidden = now.phase !== 'ended';
    if (now.phase !== 'ended' || !now.ending) return;
    const [what, then] = words(now.ending);
    title.textContent = what ?? '';
    required('ended-advice', HTMLElement).textContent = then ?? '';
    section.dataset.ending = now.ending;
    again.hidden = now.ending === 'removed' || now.ending === 'over';
    if (before.phase !== 'ended') (again.hidden ? title : again).focus();
  });
}
