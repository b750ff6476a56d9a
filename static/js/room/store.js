/** One state, one way in, many readers: sockets and actions update, views subscribe. Pure. */

/**
 * @template {object} S
 * @typedef {Object} Store
 * @property {() => Readonly<S>} get
 * @property {(change: Partial<S>) => void} update
 * @property {(listener: (now: Readonly<S>, before: Readonly<S>) => void) => void} subscribe
 */

/**
 * Readers hear of all changes made in one turn of the event loop at once, so that no reader ever sees an
 * older state after a newer one.
 * @template {object} S
 * @param {S} initial
 * @returns {Store<S>}
 */
export function createStore(initial) {
  /** @type {Readonly<S>} */
  let state = initial;
  let told = state;
  let waiting = false;
  /** @type {((now: Readonly<S>, before: Readonly<S>) => void)[]} */
  const listeners = [];

  const tell = () => {
    waiting = false;
    const [now, before] = [state, told];
    told = state;
    for (const listener of listeners) listener(now, before);
  };

  return {
    get: () => state,
    update(change) {
      state = { ...state, ...change };
      if (waiting) return;
      waiting = true;
      queueMicrotask(tell);
    },
    subscribe(listener) {
      listeners.push(listener);
    },
  };
}
