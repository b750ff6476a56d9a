/** Plays everybody's sound. Not seen, but audio elements are elements. */

import { required } from './dom.js';

/** @typedef {import('../state.js').RoomStore} RoomStore */
/** @typedef {import('../state.js').Track} Track */

/**
 * @param {RoomStore} store
 * @param {{playSound: () => void}} duties
 */
export function playSounds(store, { playSound }) {
  const place = required('sounds', HTMLElement);
  const blocked = required('sound-blocked', HTMLElement);
  required('play-sound', HTMLButtonElement).addEventListener('click', playSound);
  /** @type {Map<Track, HTMLMediaElement>} */
  const playing = new Map();

  store.subscribe((now, before) => {
    blocked.hidden = !now.soundBlocked;
    if (now.people === before.people) return;
    const tracks = new Set(now.people.flatMap((person) => person.sounds));
    for (const [track, element] of playing) {
      if (tracks.has(track)) continue;
      track.detach(element);
      element.remove();
      playing.delete(track);
    }
    for (const track of tracks) {
      if (playing.has(track)) continue;
      const element = track.attach();
      place.append(element);
      playing.set(track, element);
    }
  });
}
