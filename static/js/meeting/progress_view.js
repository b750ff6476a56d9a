/** @typedef {import("./progress_feed.js").RecordingProgress} RecordingProgress */

const SETTLED_RECORDINGS = new Set(["ready", "failed"]);
const SETTLED_TRANSCRIPTS = new Set(["ready", "unavailable", "failed"]);

/**
 * @param {Document} page
 * @returns {HTMLElement[]}
 */
export function recordingsShown(page) {
  return [.../** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll("[data-recording]"))];
}

/**
 * Whether nothing about this recording will change by itself any more.
 * @param {HTMLElement} element
 */
export function isSettled(element) {
  const { state = "", transcript = "" } = element.dataset;
  if (state === "failed") return true;
  return SETTLED_RECORDINGS.has(state) && SETTLED_TRANSCRIPTS.has(transcript);
}

/**
 * Shows how far a recording is. The server writes the page, so a state that changed asks for a fresh one.
 * @param {HTMLElement} element
 * @param {RecordingProgress[]} recordings
 * @returns {boolean} whether the state is no longer the one this page was written for
 */
export function show(element, recordings) {
  const now = recordings.find((recording) => recording.id === element.dataset.recording);
  if (!now) return false;
  if (now.state !== element.dataset.state) return true;
  if ((now.transcript?.state ?? "") !== element.dataset.transcript) return true;
  const part = now.state === "ready" && now.transcript ? now.transcript : now;
  showPart(element, part.stage, part.percent);
  return false;
}

/**
 * @param {HTMLElement} element
 * @param {string} stage as the workers call it; the page brings the words for it
 * @param {number | null} percent
 */
function showPart(element, stage, percent) {
  const bar = element.querySelector("progress");
  if (bar && percent !== null) bar.value = percent;
  const line = /** @type {HTMLElement | null} */ (element.querySelector("[data-stage]"));
  if (!line || !stage) return;
  const words = JSON.parse(line.dataset.words ?? "{}")[stage] ?? stage;
  line.textContent = percent === null ? words : `${words} · ${percent} %`;
}
