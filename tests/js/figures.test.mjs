import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createWording, sizesOf, UNKNOWN } from '../../static/js/room/figures.js';

const english = createWording('en');
const french = createWording('fr');
/** Intl sets its own kinds of blanks. */
const plain = (text) => text.replace(/[\u00a0\u202f]/g, ' ');

test('bitrates are told in the unit that fits', () => {
  assert.deepEqual([0, 499, 64_000, 999_499, 999_500, 1_540_000].map(english.bitrate), [
    '0 kbit/s', '0 kbit/s', '64 kbit/s', '999 kbit/s', '1 Mbit/s', '1.5 Mbit/s',
  ]);
  assert.equal(french.bitrate(1_540_000), '1,5 Mbit/s');
});

test('shares are finer where they are small, and written as the language has it', () => {
  assert.deepEqual([0, 0.004, 0.08, 0.0994, 0.126, 1].map(english.share), ['0%', '0.4%', '8%', '9.9%', '13%', '100%']);
  assert.equal(plain(french.share(0.085)), '8,5 %');
});

test('what is not known is no zero', () => {
  assert.deepEqual([english.share(null), english.time(null)], [UNKNOWN, UNKNOWN]);
  assert.deepEqual([english.time(0), english.time(41.6)], ['0 ms', '42 ms']);
});

test('pictures: a shared screen first, then the largest, in words', () => {
  const picture = (size, count = 1, screen = false) => ({ size, screen, count });
  assert.deepEqual(sizesOf([picture('small', 3), picture('single'), picture('large'), picture('medium', 2), picture('single', 1, true)]), [
    'screen: one size', 'large', '2 medium', '3 small', 'one size',
  ]);
  assert.deepEqual(sizesOf([]), []);
});
