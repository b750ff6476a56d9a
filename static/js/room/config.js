/** What the server wrote into the page for us. Reads the DOM once, at start. */

/**
 * @typedef {Object} Urls
 * @property {string} token
 * @property {string} chat
 * @property {string} recording
 * @property {string} consent
 * @property {string} people
 * @property {string} quality
 * @property {string} access
 * @property {string | null} meeting the page of the meeting afterwards; null for guests
 * @property {string} home
 */

/**
 * @typedef {Object} Config
 * @property {string} code
 * @property {string} title
 * @property {boolean} isGuest
 * @property {string} name
 * @property {boolean} mayRecord
 * @property {boolean} mayInvite
 * @property {boolean} mayChange
 * @property {boolean} seesQuality whether of others, too
 * @property {'invited' | 'link'} access
 * @property {boolean} recordingRunning
 * @property {{chat: string, recording: string}} topics
 * @property {Urls} urls
 */

/**
 * The room's configuration. Throws when the page was rendered without it.
 * @returns {Config}
 */
export function readConfig() {
  const script = document.getElementById('room-config');
  if (!script?.textContent) throw new Error('The page carries no room-config.');
  return JSON.parse(script.textContent);
}

/** Django's token against forged requests, as base.html puts it in the page. */
export function readCsrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.getAttribute('content') ?? '';
}

/** Where the media server answers: always under the page's own origin. */
export function mediaServer() {
  return `${location.protocol === 'https:' ? 'wss://' : 'ws://'}${location.host}`;
}
