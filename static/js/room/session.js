/** Joining, leaving and coming back: what happens in which order. */

import { mediaServer } from './config.js';
import { merged, messageFrom } from './chat.js';
import { endingOfError } from './endings.js';
import { gettext } from './i18n.js';
import { withNotice } from './state.js';

/** @typedef {import('./state.js').RoomStore} RoomStore */
/** @typedef {import('./portal.js').Portal} Portal */
/** @typedef {import('./connection.js').Connection} Connection */
/** @typedef {import('./devices.js').Devices} Devices */
/** @typedef {import('./recording.js').Recording} Recording */

/**
 * @param {{store: RoomStore, portal: Portal, connection: Connection, devices: Devices, recording: Recording}} parts
 */
export function createSession({ store, portal, connection, devices, recording }) {
  /** @param {string} name @param {boolean} agreed */
  const ticket = async (name, agreed) => {
    try {
      return await portal.token({ name, agreed });
    } catch (error) {
      store.update({ phase: 'preparing', refusal: /** @type {Error} */ (error).message });
      void devices.prepare();
      return null;
    }
  };

  const history = async () => {
    try {
      const known = (await portal.chatHistory()).flatMap((value) => messageFrom(value) ?? []);
      store.update({ chat: merged(store.get().chat, known) });
    } catch {
      store.update(withNotice(store.get(), gettext('Earlier chat messages could not be loaded.'), true));
    }
  };

  /**
   * Each time with a new token. A refusal by the portal leads back to where the name is asked.
   * @param {{name?: string, agreed?: boolean}} [who]
   */
  const join = async ({ name = store.get().name, agreed = false } = {}) => {
    if (store.get().phase === 'joining') return;
    store.update({ phase: 'joining', refusal: '', ending: null, name, notices: [] });
    const paper = await ticket(name, agreed);
    if (!paper) return;
    const tracks = await devices.take();
    try {
      const { recording: running } = await connection.join(mediaServer(), paper.token);
      store.update({ phase: 'joined', name: paper.name, recording: false, consent: agreed ? 'agreed' : 'none' });
      if (running) recording.changed(true);
    } catch (error) {
      tracks.camera?.stop();
      tracks.microphone?.stop();
      store.update({ phase: 'ended', ending: endingOfError(error), people: [] });
      return;
    }
    await Promise.all([connection.publish(tracks), history(), devices.list()]);
  };

  return {
    join,
    leave: () => connection.leave(),
    /** @param {string} text @returns {Promise<boolean>} whether it was sent */
    async say(text) {
      try {
        const message = messageFrom(await portal.chatSend(text));
        if (message) store.update({ chat: merged(store.get().chat, [message]) });
        return true;
      } catch (error) {
        store.update(withNotice(store.get(), /** @type {Error} */ (error).message, true));
        return false;
      }
    },
    async share() {
      const on = !store.get().people.some((person) => person.local && person.screen);
      try {
        await connection.share(on);
      } catch (error) {
        // Closing the browser's picker is "NotAllowedError" too; only a real fault deserves words.
        if (/** @type {Error} */ (error).name === 'NotAllowedError') return;
        store.update(withNotice(store.get(), gettext('The screen could not be shared.'), true));
      }
    },
  };
}

/** @typedef {ReturnType<typeof createSession>} Session */
