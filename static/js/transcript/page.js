// The transcript page: the player tells the time, the text shows it; the text asks for a position, the player goes.
import { listenForWords } from "./keys.js";
import { Player } from "./player.js";
import { Reader } from "./reader.js";
import { positionAsked } from "./words.js";

const media = /** @type {HTMLMediaElement | null} */ (document.getElementById("player"));
const list = document.getElementById("turns");

for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-needs-script]"))) {
  element.hidden = false;
}
if (media) connect(new Player(media), list, /** @type {HTMLElement} */ (media.closest(".player")));

/**
 * @param {Player} player
 * @param {HTMLElement | null} list absent where nobody was heard
 * @param {HTMLElement} frame the player with its controls
 */
function connect(player, list, frame) {
  offerSources(player);
  if (list) {
    const reader = new Reader(list, frame);
    player.onTime((now) => reader.showTime(now));
    listenForWords(list, (seconds) => player.playFrom(seconds));
    offerFollowing(reader);
  }
  const asked = positionAsked(location.search);
  if (asked !== null) player.playFrom(asked);
}

/** @param {Player} player */
function offerSources(player) {
  const source = /** @type {HTMLSelectElement | null} */ (document.getElementById("source"));
  source?.addEventListener("change", () => {
    const chosen = source.selectedOptions[0];
    player.switchTo(chosen.value, chosen.dataset.kind ?? "sound", chosen.text);
  });
}

/** @param {Reader} reader */
function offerFollowing(reader) {
  const follow = /** @type {HTMLInputElement | null} */ (document.getElementById("follow"));
  follow?.addEventListener("change", () => (reader.follows = follow.checked));
}
