import { lastStartedBy, wordAt } from "./words.js";

/** @typedef {{element: HTMLElement, turn: HTMLElement, start: number, end: number}} Word */

// After the reader scrolls, the text keeps still for a while instead of pulling them back.
const HANDS_OFF = 5000;

/** The text: lights up the word being said, marks its turn as current, keeps it in sight. */
export class Reader {
  /** @type {Word[]} */ #words;
  /** @type {Word | null} */ #said = null;
  /** @type {HTMLElement | null} */ #turn = null;
  #scrolledAt = -Infinity;
  follows = true;

  /** @type {HTMLElement} */ #player;

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} player which may lie over the text on a small screen
   */
  constructor(list, player) {
    this.#player = player;
    this.#words = wordsOf(list);
    list.classList.add("turns-live");
    for (const event of ["wheel", "touchmove"]) {
      addEventListener(event, () => (this.#scrolledAt = performance.now()), { passive: true });
    }
  }

  /** @param {number} now seconds */
  showTime(now) {
    const word = this.#words[wordAt(this.#words, now)] ?? null;
    const turn = word?.turn ?? this.#words[lastStartedBy(this.#words, now)]?.turn ?? null;
    if (turn !== this.#turn) this.#markTurn(turn);
    if (word !== this.#said) this.#light(word);
  }

  /** @param {Word | null} word */
  #light(word) {
    this.#said?.element.classList.remove("said");
    word?.element.classList.add("said");
    this.#said = word;
    if (word && this.follows && performance.now() - this.#scrolledAt > HANDS_OFF) keepInSight(word.element, this.#player);
  }

  /** @param {HTMLElement | null} turn */
  #markTurn(turn) {
    this.#turn?.removeAttribute("aria-current");
    turn?.setAttribute("aria-current", "true");
    this.#turn = turn;
  }
}

/**
 * @param {HTMLElement} list
 * @returns {Word[]} ordered by start
 */
function wordsOf(list) {
  const words = [];
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll(".word"))) {
    const turn = /** @type {HTMLElement} */ (element.closest(".turn"));
    words.push({ element, turn, start: Number(element.dataset.start), end: Number(element.dataset.end) });
  }
  return words.sort((one, other) => one.start - other.start);
}

/**
 * Scrolls only when the word has left the comfortable middle of what is free of the player.
 * @param {HTMLElement} element
 * @param {HTMLElement} player
 */
function keepInSight(element, player) {
  const { top, bottom } = element.getBoundingClientRect();
  const covered = coveredBy(player, element);
  const free = innerHeight - covered;
  if (top > covered + free * 0.15 && bottom < covered + free * 0.8) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  scrollBy({ top: top - covered - free * 0.35, behavior: calm ? "auto" : "smooth" });
}

/**
 * Pixels at the window's top that the player takes from the element's column: none when they lie side by side.
 * @param {HTMLElement} player
 * @param {HTMLElement} element
 */
function coveredBy(player, element) {
  const over = player.getBoundingClientRect();
  return over.right > element.getBoundingClientRect().left ? over.height : 0;
}
