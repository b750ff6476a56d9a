/** Recording: starting and stopping it, being told of it, agreeing to it. */

import { gettext } from './i18n.js';
import { withNotice, withRecording } from './state.js';

/** @typedef {import('./state.js').RoomStore} RoomStore */
/** @typedef {import('./portal.js').Portal} Portal */

const CUT_SHORT = () =>
  gettext('The recording has ended: the server cannot write any more. What was recorded so far is kept. Tell your operator.');

/** @param {{store: RoomStore, portal: Portal}} parts */
export function createRecording({ store, portal }) {
  /** @param {unknown} error */
  const complain = (error) => store.update(withNotice(store.get(), /** @type {Error} */ (error).message, true));

  /** @param {'start' | 'stop'} action */
  const request = async (action) => {
    store.update({ recordingRequest: action });
    try {
      await portal.recording(action);
    } catch (error) {
      store.update({ recordingRequest: null });
      complain(error);
    }
  };

  return {
    start: () => request('start'),
    stop: () => request('stop'),

    /** The media server says that a recording began or ended. @param {boolean} running */
    changed(running) {
      const before = store.get();
      if (before.recording === running) return;
      const next = withRecording(before, running);
      const words = running ? gettext('This meeting is now being recorded.') : gettext('The recording has ended.');
      store.update({ ...next, ...withNotice(before, words) });
      if (!running || before.consent === 'agreed') return;
      // Told, or agreed by having started it; the portal keeps which.
      portal.consent(next.consent === 'agreed').catch(complain);
    },

    /** The portal says that nothing more can be recorded. */
    cutShort: () => store.update(withNotice(store.get(), CUT_SHORT(), true)),

    /** @returns {Promise<string>} what went wrong; empty when the consent is kept */
    async agree() {
      try {
        await portal.consent(true);
        store.update({ consent: 'agreed' });
        return '';
      } catch (error) {
        return /** @type {Error} */ (error).message;
      }
    },
  };
}

/** @typedef {ReturnType<typeof createRecording>} Recording */
