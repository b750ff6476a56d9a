/**
 * @typedef {object} TranscriptProgress
 * @property {string} state
 * @property {string} stage
 * @property {number | null} percent
 *
 * @typedef {object} RecordingProgress
 * @property {string} id
 * @property {string} state
 * @property {string} stage
 * @property {number | null} percent
 * @property {TranscriptProgress | null} transcript
 */

const FIRST_WAIT = 1500;
const LONGEST_WAIT = 15000;

/**
 * Asks for the progress again and again, ever more slowly while the server cannot be reached.
 * @param {string} url
 * @param {(recordings: RecordingProgress[]) => boolean} tell answers whether to go on
 */
export async function follow(url, tell) {
  let wait = FIRST_WAIT;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    const recordings = await ask(url);
    if (recordings && !tell(recordings)) return;
    wait = recordings ? FIRST_WAIT : Math.min(wait * 2, LONGEST_WAIT);
  }
}

/**
 * @param {string} url
 * @returns {Promise<RecordingProgress[] | null>} null when there was no usable answer
 */
async function ask(url) {
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    return answer.ok ? (await answer.json()).recordings : null;
  } catch {
    return null;
  }
}
