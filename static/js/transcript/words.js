// Which word is being said: pure, so that it can be reasoned about without a player.

/**
 * @typedef {object} Timed
 * @property {number} start seconds
 * @property {number} end seconds
 */

// A recogniser ends words early; without some grace the light would flicker between two words.
const GRACE = 0.4;

/**
 * Index of the word said at a time, or -1 in a silence. Where people overlap it is whoever began last.
 * @param {Timed[]} words ordered by start
 * @param {number} now seconds
 * @returns {number}
 */
export function wordAt(words, now) {
  const index = lastStartedBy(words, now);
  return index >= 0 && now <= words[index].end + GRACE ? index : -1;
}

/**
 * Index of the last word that had begun at a time, or -1 before the first.
 * @param {Timed[]} words ordered by start
 * @param {number} now seconds
 * @returns {number}
 */
export function lastStartedBy(words, now) {
  let low = 0;
  let high = words.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (words[middle].start <= now) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * A position in seconds from an address's query, or null where there is none that makes sense.
 * @param {string} query
 * @returns {number | null}
 */
export function positionAsked(query) {
  const asked = new URLSearchParams(query).get("t");
  const seconds = asked === null ? NaN : Number(asked);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}
