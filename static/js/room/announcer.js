/** Turns changes of the state into sentences, seen and read out. State in, state out. */

import { filled, gettext } from './i18n.js';
import { comings, inCall, withNotice } from './state.js';

/** @typedef {import('./state.js').RoomStore} RoomStore */
/** @typedef {import('./state.js').DeviceProblem} DeviceProblem */
/** @typedef {import('./state.js').Source} Source */

/**
 * @param {RoomStore} store
 * @param {string} language of the page
 */
export function announce(store, language) {
  const names = new Intl.ListFormat(language, { type: 'conjunction' });
  /** @param {string} text @param {boolean} [error] */
  const say = (text, error) => store.update(withNotice(store.get(), text, error));

  store.subscribe((now, before) => {
    if (!inCall(now) || !inCall(before)) return;
    const { came, went } = comings(before.people, now.people);
    // A reconnection empties the room for a moment; nobody has really left.
    if (now.phase === 'joined' && before.people.length) {
      if (came.length) say(filled(gettext('%(names)s joined.'), { names: names.format(came) }));
      if (went.length) say(filled(gettext('%(names)s left.'), { names: names.format(went) }));
    }
    if (now.unread > before.unread) {
      const message = now.chat[now.chat.length - 1];
      if (message) say(filled(gettext('Message from %(name)s: %(text)s'), { name: message.name, text: shortened(message.text) }));
    }
    for (const source of /** @type {Source[]} */ (['microphone', 'camera'])) {
      const problem = now.problems[source];
      if (problem && problem !== before.problems[source]) say(problemText(source, problem), true);
    }
  });
}

/** @param {string} text */
function shortened(text) {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

/**
 * What is wrong with a device, and what to do.
 * @param {Source} source
 * @param {DeviceProblem} problem
 */
export function problemText(source, problem) {
  const camera = source === 'camera';
  switch (problem) {
    case 'denied':
      return camera
        ? gettext('The browser may not use the camera. Allow it beside the address bar, then turn the camera on again.')
        : gettext('The browser may not use the microphone. Allow it beside the address bar, then turn the microphone on again.');
    case 'missing':
      return camera
        ? gettext('No camera was found. Connect one and turn the camera on, or join without.')
        : gettext('No microphone was found. Connect one and turn the microphone on, or join and listen.');
    case 'busy':
      return camera
        ? gettext('Another program is using the camera. Close it and turn the camera on again.')
        : gettext('Another program is using the microphone. Close it and turn the microphone on again.');
    case 'insecure':
      return gettext('Browsers give camera and microphone only to pages over HTTPS or on this very computer. You can join and listen.');
    default:
      return camera
        ? gettext('The camera could not be started. Choose another one or join without.')
        : gettext('The microphone could not be started. Choose another one or join and listen.');
  }
}
