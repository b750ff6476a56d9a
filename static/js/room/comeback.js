// How a lost connection is tried again. Pure, handed to livekit-client as its reconnect policy.

/** A relay started anew has everybody back within five seconds: no pause, with its jitter, is longer than three. */
const LONGEST = 2000;
const FIRST = 300;
/** Long enough for a server to be restarted or moved (ms). */
export const GIVE_UP = 180_000;

/**
 * livekit-client's own policy pauses for up to ten seconds and gives up within one minute.
 * @param {() => number} random from 0 to 1
 */
export function comeback(random = Math.random) {
  return {
    /**
     * The pause before the next attempt in ms; null to give up.
     * @param {{retryCount: number, elapsedMs: number}} context
     */
    nextRetryDelayInMs({ retryCount, elapsedMs }) {
      if (elapsedMs > GIVE_UP) return null;
      const pause = retryCount === 0 ? FIRST : Math.min(LONGEST, FIRST * 2 ** retryCount);
      return Math.round(pause * (0.5 + random())); // apart from each other: they were disconnected together
    },
  };
}
