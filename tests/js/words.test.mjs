import assert from 'node:assert/strict';
import { test } from 'node:test';

import { lastStartedBy, positionAsked, wordAt } from '../../static/js/transcript/words.js';

const WORDS = [
  { start: 1, end: 1.5 },
  { start: 1.5, end: 2 },
  { start: 5, end: 5.4 },
];

test('a word is said from its start on, with some grace at its end', () => {
  assert.equal(wordAt(WORDS, 0.99), -1);
  assert.equal(wordAt(WORDS, 1), 0);
  assert.equal(wordAt(WORDS, 1.5), 1);
  assert.equal(wordAt(WORDS, 2.3), 1);
});

test('in a silence no word is said, but the last one is still known', () => {
  assert.equal(wordAt(WORDS, 3), -1);
  assert.equal(lastStartedBy(WORDS, 3), 1);
  assert.equal(lastStartedBy(WORDS, 0), -1);
  assert.equal(lastStartedBy([], 3), -1);
});

test('the search agrees with counting, over a long transcript', () => {
  const many = Array.from({ length: 3000 }, (_, index) => ({ start: index * 0.37, end: index * 0.37 + 0.3 }));
  for (let now = 0; now < 1200; now += 7.13) {
    assert.equal(lastStartedBy(many, now), many.filter((word) => word.start <= now).length - 1);
  }
});

test('only a position that makes sense is taken from an address', () => {
  assert.equal(positionAsked('?t=75.5'), 75.5);
  assert.equal(positionAsked('?t=0'), 0);
  for (const query of ['', '?t=-3', '?t=abc', '?t=Infinity', '?x=4']) assert.equal(positionAsked(query), null, query);
});
