/** Which tiles there are, and which of them are shown when not all fit. Pure. */

import { focusRects, gridRects } from './grid.js';

/** @typedef {import('./state.js').Person} Person */
/** @typedef {import('./grid.js').Rect} Rect */
/** @typedef {import('./grid.js').Box} Box */

/** @typedef {{key: string, person: Person, source: 'camera' | 'screen'}} Tile */
/** @typedef {{tile: Tile, rect: Rect}} Placed */

/**
 * All tiles placed in the stage: a shared screen large with the others beside it, or an even grid.
 * @param {readonly Person[]} people
 * @param {Box} box
 * @returns {{placed: Placed[], hidden: number}}
 */
export function placeTiles(people, box) {
  const screens = people.filter((person) => person.screen).map((person) => tileOf(person, 'screen'));
  const rects = (screens.length ? focusRects : gridRects)(people.length + screens.length, box);
  const faces = mostPresent(people, rects.length - screens.length).map((person) => tileOf(person, 'camera'));
  const tiles = [...screens, ...faces];
  const placed = rects.flatMap((rect, place) => (tiles[place] ? [{ tile: /** @type {Tile} */ (tiles[place]), rect }] : []));
  return { placed, hidden: people.length + screens.length - placed.length };
}

/**
 * When not all fit: oneself and whoever spoke last, in their usual order so that tiles do not jump about.
 * @param {readonly Person[]} people
 * @param {number} room
 */
export function mostPresent(people, room) {
  if (people.length <= room) return people;
  const ranked = [...people].sort((a, b) => Number(b.local) - Number(a.local) || b.spokeAt - a.spokeAt || a.joinedAt - b.joinedAt);
  const kept = new Set(ranked.slice(0, Math.max(0, room)));
  return people.filter((person) => kept.has(person));
}

/**
 * @param {Person} person
 * @param {Tile['source']} source
 * @returns {Tile}
 */
function tileOf(person, source) {
  return { key: `${source}:${person.identity}`, person, source };
}
