/** Chat messages: checked, merged, split into text and links. Pure. */

/** @typedef {{id: string, identity: string, name: string, text: string, sentAt: string}} Message */

/** What one room page keeps of the chat; older messages are on the meeting's own page. */
export const KEPT = 2000;

/**
 * A message out of what came over the wire, or null when it is none.
 * @param {unknown} value
 * @returns {Message | null}
 */
export function messageFrom(value) {
  if (typeof value !== 'object' || value === null) return null;
  const { id, identity, name, text, sentAt } = /** @type {Record<string, unknown>} */ (value);
  if (typeof id !== 'string' && typeof id !== 'number') return null;
  if (![identity, name, text, sentAt].every((part) => typeof part === 'string')) return null;
  if (Number.isNaN(Date.parse(String(sentAt)))) return null;
  const texts = { identity: String(identity), name: String(name), text: String(text), sentAt: String(sentAt) };
  return { id: String(id), ...texts };
}

/**
 * @param {Uint8Array} bytes UTF-8 JSON of one message
 * @returns {Message | null}
 */
export function messageFromBytes(bytes) {
  try {
    return messageFrom(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    return null;
  }
}

/**
 * Both lists together in order of time; a message that arrives twice is kept once.
 * @param {readonly Message[]} known
 * @param {readonly Message[]} arrived
 * @returns {readonly Message[]} `known` itself when nothing is new
 */
export function merged(known, arrived) {
  const ids = new Set(known.map((message) => message.id));
  const fresh = arrived.filter((message) => !ids.has(message.id) && ids.add(message.id));
  if (!fresh.length) return known;
  const all = [...known, ...fresh];
  return all.sort((a, b) => Date.parse(a.sentAt) - Date.parse(b.sentAt)).slice(-KEPT);
}

/**
 * A text in pieces, web addresses apart, so that a view can make links of them.
 * @param {string} text
 * @returns {{text: string, link: boolean}[]}
 */
export function pieces(text) {
  // The last character of an address is never punctuation: "see https://example.org/a." ends before the dot.
  const parts = text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]])/g);
  return parts.map((part, place) => ({ text: part, link: place % 2 === 1 })).filter((piece) => piece.text);
}
