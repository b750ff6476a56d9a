import assert from 'node:assert/strict';
import { test } from 'node:test';

import { mostPresent, placeTiles } from '../../static/js/room/tile_list.js';
import { person } from './people.mjs';

const BOX = { width: 1280, height: 640 };
const crowd = Array.from({ length: 60 }, (_, n) => person(`p${n}`, { joinedAt: n, local: n === 59 }));

test('everybody has a tile, in the order given', () => {
  const { placed, hidden } = placeTiles([person('a'), person('b'), person('me', { local: true })], BOX);
  assert.deepEqual(placed.map(({ tile }) => tile.key), ['camera:a', 'camera:b', 'camera:me']);
  assert.equal(hidden, 0);
});

test('a shared screen comes first and its owner keeps a face', () => {
  const { placed } = placeTiles([person('a'), person('b', { screen: {} })], BOX);
  assert.deepEqual(placed.map(({ tile }) => tile.key), ['screen:b', 'camera:a', 'camera:b']);
  assert.ok(placed[0].rect.width > 3 * placed[1].rect.width);
});

test('sixty people: the rest is counted, oneself and the last speaker are shown', () => {
  const talking = crowd.map((one) => (one.identity === 'p57' ? { ...one, spokeAt: 1000 } : one));
  const { placed, hidden } = placeTiles(talking, BOX);
  const shown = placed.map(({ tile }) => tile.person.identity);
  assert.equal(placed.length + hidden, 60);
  assert.equal(hidden, 11);
  assert.ok(shown.includes('p57') && shown.includes('p59'));
});

test('who is shown stays in the usual order', () => {
  const people = [person('a', { joinedAt: 1 }), person('b', { joinedAt: 2, spokeAt: 5 }), person('c', { joinedAt: 3, spokeAt: 9 })];
  assert.deepEqual(mostPresent(people, 2).map((one) => one.identity), ['b', 'c']);
  assert.equal(mostPresent(people, 3), people);
  assert.deepEqual(mostPresent(people, 0), []);
});
