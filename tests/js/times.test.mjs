import assert from 'node:assert/strict';
import { test } from 'node:test';

import { writtenOffset } from '../../static/js/times.js';

test('the offset an instant was written with, in minutes', () => {
  assert.equal(writtenOffset('2026-11-23T21:52:56.535124+01:00'), 60);
  assert.equal(writtenOffset('2026-11-23T21:52:56-04:30'), -270);
  assert.equal(writtenOffset('2026-11-23T21:52:56'), null);
});
