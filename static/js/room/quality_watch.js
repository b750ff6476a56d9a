/** Asks the portal how well people are connected, for as long as somebody looks. Network and state. */

import { inCall } from './state.js';

/** @typedef {import('./state.js').RoomStore} RoomStore */
/** @typedef {import('./state.js').State} State */
/** @typedef {import('./portal.js').Portal} Portal */

/** Between an answer and the next question (ms). */
const PAUSE = 3000;

/** @param {Pick<State, 'phase' | 'panel'>} state */
function looking(state) {
  return state.panel === 'quality' && inCall(state);
}

/** @param {{store: RoomStore, portal: Pick<Portal, 'quality'>, pause?: number}} parts */
export function watchQuality({ store, portal, pause = PAUSE }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let look = 0;

  /** One question at a time; an answer to an earlier look is nobody's any more. @param {number} mine */
  const ask = async (mine) => {
    /** @type {State['measured']} */
    const measured = await portal.quality().then(
      (people) => ({ state: people.length ? 'known' : 'none', people: new Map(people.map((one) => [one.identity, one])), fault: '' }),
      (error) => ({ state: 'failed', people: new Map(), fault: error.message }),
    );
    if (mine !== look) return;
    store.update({ measured });
    timer = setTimeout(ask, pause, mine);
  };

  store.subscribe((now, before) => {
    if (looking(now) === looking(before)) return;
    look += 1;
    clearTimeout(timer);
    if (!looking(now)) return;
    store.update({ measured: { state: 'waiting', people: new Map(), fault: '' } });
    void ask(look);
  });
}
