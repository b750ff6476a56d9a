/** One media element that plays the mix or one speaker; a change of source keeps the time and goes on playing. */
export class Player {
  /** @type {HTMLMediaElement} */ #media;
  /** @type {((now: number) => void)[]} */ #listeners = [];

  /** @param {HTMLMediaElement} media */
  constructor(media) {
    this.#media = media;
    media.addEventListener("play", () => this.#tick());
    for (const event of ["seeked", "pause"]) media.addEventListener(event, () => this.#tell());
  }

  /** Calls back with the position in seconds: on every frame while playing, and after each jump.
   * @param {(now: number) => void} listener */
  onTime(listener) {
    this.#listeners.push(listener);
  }

  /** Plays from a position. A browser that forbids sound before the first click leaves the player there, paused.
   * @param {number} seconds */
  playFrom(seconds) {
    this.#seek(seconds);
    this.#play();
  }

  /**
   * @param {string} url
   * @param {string} kind "sound" or "picture"
   * @param {string} label
   */
  switchTo(url, kind, label) {
    const { currentTime, paused } = this.#media;
    this.#media.src = url;
    this.#media.dataset.kind = kind;
    this.#media.setAttribute("aria-label", label);
    this.#seek(currentTime);
    if (!paused) this.#play();
  }

  /** @param {number} seconds */
  #seek(seconds) {
    if (this.#media.readyState >= HTMLMediaElement.HAVE_METADATA) {
      this.#media.currentTime = seconds;
      return;
    }
    this.#media.addEventListener("loadedmetadata", () => (this.#media.currentTime = seconds), { once: true });
    this.#media.load();
  }

  #play() {
    this.#media.play().catch(() => undefined);
  }

  #tick() {
    this.#tell();
    if (!this.#media.paused && !this.#media.ended) requestAnimationFrame(() => this.#tick());
  }

  #tell() {
    for (const listener of this.#listeners) listener(this.#media.currentTime);
  }
}
