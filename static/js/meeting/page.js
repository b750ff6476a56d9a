// A meeting's page: links to copy, one player at a time, progress of what is still being made.
import { offerCopies } from "../copy.js";
import { playOneAtATime } from "./players.js";
import { follow } from "./progress_feed.js";
import { isSettled, recordingsShown, show } from "./progress_view.js";

offerCopies(document, navigator.clipboard);
playOneAtATime(document);

const url = /** @type {HTMLElement | null} */ (document.querySelector("[data-progress]"))?.dataset.progress;
const shown = recordingsShown(document);
if (url && !shown.every(isSettled)) {
  follow(url, (recordings) => {
    const changed = shown.some((element) => show(element, recordings));
    if (changed) location.reload();
    return !changed;
  });
}
