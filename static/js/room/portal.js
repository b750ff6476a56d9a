/** Requests to the portal. Network only: no DOM, no state. */

import { gettext } from './i18n.js';

/** @typedef {import('./config.js').Urls} Urls */
/** @typedef {import('./chat.js').Message} Message */
/** @typedef {import('./figures.js').Figures} Figures */
/** @typedef {{id: string | number, name: string, email: string, invited: boolean}} Colleague */
/** @typedef {{url: string, token: string, room: string, identity: string, name: string}} Ticket */

/** The portal said no, or nothing at all; the message is a sentence for people. */
export class PortalError extends Error {
  /**
   * @param {string} message
   * @param {number} status HTTP status; 0 when the portal was not reached
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {Urls} urls
 * @param {string} csrfToken
 */
export function createPortal(urls, csrfToken) {
  /**
   * @param {string} url
   * @param {object} [body] posted as JSON; left out, the address is read
   */
  const call = async (url, body) => {
    const headers = { Accept: 'application/json', 'Content-Type': 'application/json', 'X-CSRFToken': csrfToken };
    const request = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers };
    const response = await fetch(url, request).catch(unreachable);
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw new PortalError(answer?.error ?? gettext('The portal could not do this.'), response.status);
    return answer;
  };

  return {
    /** @param {{name: string, agreed: boolean}} who @returns {Promise<Ticket>} */
    token: (who) => call(urls.token, who),
    /** @returns {Promise<unknown[]>} */
    chatHistory: async () => (await call(urls.chat)).messages,
    /** @param {string} text @returns {Promise<unknown>} */
    chatSend: (text) => call(urls.chat, { text }),
    /** @param {'start' | 'stop'} action @returns {Promise<{state: string}>} */
    recording: (action) => call(urls.recording, { action }),
    /** @param {boolean} agreed */
    consent: (agreed) => call(urls.consent, { agreed }),
    /** @returns {Promise<Figures[]>} of everybody whose figures one may see, oneself included */
    quality: async () => (await call(urls.quality)).people,
    /** @returns {Promise<Colleague[]>} */
    colleagues: async () => (await call(urls.people)).people,
    /** @param {Colleague['id']} user */
    invite: (user) => call(urls.people, { user }),
    /** @param {'invited' | 'link'} access @returns {Promise<{access: 'invited' | 'link'}>} */
    access: (access) => call(urls.access, { access }),
  };
}

/** @typedef {ReturnType<typeof createPortal>} Portal */

/** @returns {never} */
function unreachable() {
  throw new PortalError(gettext('The portal cannot be reached. Check your network and try again.'), 0);
}
