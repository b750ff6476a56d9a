/**
 * Pauses every other player of the page when one starts.
 * @param {Document} page
 */
export function playOneAtATime(page) {
  // "play" does not bubble: it is caught on the way down.
  page.addEventListener("play", (event) => {
    for (const media of /** @type {NodeListOf<HTMLMediaElement>} */ (page.querySelectorAll("audio, video"))) {
      if (media !== event.target) media.pause();
    }
  }, true);
}
