/** Colleagues to invite and who may come in. */

import { withNotice } from './state.js';

/** @typedef {import('./state.js').RoomStore} RoomStore */
/** @typedef {import('./portal.js').Portal} Portal */
/** @typedef {import('./portal.js').Colleague} Colleague */

/** @param {{store: RoomStore, portal: Portal}} parts */
export function createInviting({ store, portal }) {
  /**
   * @template T
   * @param {Promise<T>} answer
   * @returns {Promise<T | null>} null when it went wrong; the reason is a notice then
   */
  const orNotice = (answer) =>
    answer.catch((error) => {
      store.update(withNotice(store.get(), error.message, true));
      return null;
    });

  return {
    colleagues: () => orNotice(portal.colleagues()),
    /** @param {Colleague} colleague @returns {Promise<boolean>} whether they are invited now */
    invite: async (colleague) => (await orNotice(portal.invite(colleague.id))) !== null,
    /** @param {'invited' | 'link'} access */
    open: (access) => orNotice(portal.access(access)),
  };
}

/** @typedef {ReturnType<typeof createInviting>} Inviting */
