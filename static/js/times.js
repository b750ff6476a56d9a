// The server writes dates in its own zone; a reader elsewhere sees theirs. English is written as the server writes it:
// the day first, and 24 hours.

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const SHAPES = {
  date: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  datetime: { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" },
  time: { hour: "2-digit", minute: "2-digit" },
};

/**
 * Minutes ahead of UTC that an ISO 8601 instant was written with; null when it carries no offset.
 * @param {string} instant
 * @returns {number | null}
 */
export function writtenOffset(instant) {
  const found = /([+-])(\d\d):(\d\d)$/.exec(instant);
  if (!found) return null;
  const minutes = Number(found[2]) * 60 + Number(found[3]);
  return found[1] === "-" ? -minutes : minutes;
}

/**
 * Rewrites `<time datetime data-shape>` elements whose zone differs from the reader's.
 * @param {Document} page
 */
export function showLocalTimes(page) {
  const language = page.documentElement.lang.replace(/^en$/, "en-GB");
  for (const element of /** @type {NodeListOf<HTMLTimeElement>} */ (page.querySelectorAll("time[data-shape]"))) {
    const instant = new Date(element.dateTime);
    const offset = writtenOffset(element.dateTime);
    if (Number.isNaN(instant.getTime()) || offset === null || offset === -instant.getTimezoneOffset()) continue;
    const shape = SHAPES[element.dataset.shape ?? "datetime"];
    element.textContent = new Intl.DateTimeFormat(language, shape).format(instant);
  }
}
