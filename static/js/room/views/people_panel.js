/** Who is here. */

import { gettext } from '../i18n.js';
import { shownName } from '../naming.js';
import { icon, make, required, unseen } from './dom.js';
import { qualityMark } from './tile.js';

/** @typedef {import('../state.js').RoomStore} RoomStore */
/** @typedef {import('../state.js').Person} Person */

/**
 * @param {RoomStore} store
 * @param {{close: () => void}} duties
 */
export function showPeople(store, { close }) {
  const panel = required('people-panel', HTMLElement);
  const list = required('people-list', HTMLElement);
  const shut = required('people-close', HTMLButtonElement);
  shut.addEventListener('click', close);
  panel.addEventListener('keydown', (event) => event.key === 'Escape' && close());

  store.subscribe((now, before) => {
    panel.hidden = now.panel !== 'people';
    if (now.panel !== 'people') return;
    if (now.people !== before.people || before.panel !== 'people') list.replaceChildren(...now.people.map(row));
    required('people-total', HTMLElement).textContent = String(now.people.length);
    if (before.panel !== 'people') shut.focus();
  });
}

/** @param {Person} person */
function row(person) {
  const name = shownName(person);
  const sharing = person.screen ? [icon('screen'), unseen(gettext('shares a screen'))] : [];
  const marks = make('span', { class: 'marks' }, [
    qualityMark(person.quality),
    ...sharing,
    icon(person.microphone ? 'microphone' : 'microphone-off'),
    unseen(person.microphone ? gettext('microphone on') : gettext('muted')),
    icon(person.camera ? 'camera' : 'camera-off'),
    unseen(person.camera ? gettext('camera on') : gettext('camera off')),
  ]);
  return make('li', { data: { identity: person.identity } }, [make('span', { class: 'person-name', text: name }), marks]);
}
