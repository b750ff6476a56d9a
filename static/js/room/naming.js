/** How a person is called on the page: oneself and guests are marked, for a guest's name is only what they typed. */

import { filled, gettext } from './i18n.js';

/** @param {Pick<import('./state.js').Person, 'identity' | 'name' | 'local'>} person */
export function shownName({ identity, name, local }) {
  if (local) return filled(gettext('%(name)s (you)'), { name });
  return identity.startsWith('guest-') ? filled(gettext('%(name)s (guest)'), { name }) : name;
}
