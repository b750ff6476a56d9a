// Words by keyboard. Three thousand tab stops would be a wall, so Tab stops once per turn (at its time) and the
// arrow keys walk the words from there. A word becomes a button only while it has the focus, so that a screen
// reader still reads the text as text.

/**
 * @param {HTMLElement} list
 * @param {(seconds: number) => void} play
 */
export function listenForWords(list, play) {
  list.addEventListener("click", (event) => {
    const start = startOf(event.target);
    if (start !== null && getSelection()?.isCollapsed !== false) play(start);
  });
  list.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if ((event.key === "Enter" || event.key === " ") && target.matches(".word")) {
      play(Number(target.dataset.start));
    } else if (!move(target, event.key)) return;
    event.preventDefault();
  });
}

/**
 * @param {EventTarget | null} target
 * @returns {number | null} seconds
 */
function startOf(target) {
  const found = /** @type {HTMLElement} */ (target).closest(".word, .turn-time");
  return found ? Number(/** @type {HTMLElement} */ (found).dataset.start) : null;
}

/**
 * @param {HTMLElement} from a word or a turn's time
 * @param {string} key
 * @returns {boolean} whether the key meant something here
 */
function move(from, key) {
  const turn = from.closest(".turn");
  if (!turn) return false;
  const stops = /** @type {HTMLElement[]} */ ([...turn.querySelectorAll(".turn-time, .word")]);
  const here = stops.indexOf(from);
  switch (key) {
    case "ArrowRight": return focus(stops[here + 1] ?? timeOf(turn.nextElementSibling));
    case "ArrowLeft": return focus(stops[here - 1] ?? lastWordOf(turn.previousElementSibling));
    case "ArrowDown": return focus(timeOf(turn.nextElementSibling));
    case "ArrowUp": return focus(here > 0 ? stops[0] : timeOf(turn.previousElementSibling));
    case "Home": return focus(stops[0]);
    case "End": return focus(stops.at(-1));
    default: return false;
  }
}

/** @param {Element | null} turn */
function timeOf(turn) {
  return /** @type {HTMLElement | null | undefined} */ (turn?.querySelector(".turn-time"));
}

/** @param {Element | null} turn */
function lastWordOf(turn) {
  return /** @type {HTMLElement | undefined} */ ([...(turn?.querySelectorAll(".turn-time, .word") ?? [])].at(-1));
}

/** @param {HTMLElement | null | undefined} element */
function focus(element) {
  if (!element) return true;
  if (element.matches(".word")) makeButton(element);
  element.focus();
  return true;
}

/** @param {HTMLElement} word */
function makeButton(word) {
  word.tabIndex = -1;
  word.setAttribute("role", "button");
  word.addEventListener("blur", () => {
    word.removeAttribute("role");
    word.removeAttribute("tabindex");
  }, { once: true });
}
