import assert from 'node:assert/strict';
import test from 'node:test';
import { comeback, GIVE_UP } from '../../static/js/room/comeback.js';

test('no pause is longer than three seconds, and the first is short', () => {
  const slowest = comeback(() => 1);
  assert.ok(slowest.nextRetryDelayInMs({ retryCount: 0, elapsedMs: 0 }) <= 500);
  for (let retryCount = 1; retryCount < 100; retryCount += 1) {
    assert.ok(slowest.nextRetryDelayInMs({ retryCount, elapsedMs: 0 }) <= 3000);
  }
});

test('many people do not come back at the same moment', () => {
  const pauses = [0, 0.5, 1].map((value) => comeback(() => value).nextRetryDelayInMs({ retryCount: 5, elapsedMs: 0 }));
  assert.equal(new Set(pauses).size, 3);
});

test('it goes on while a server is restarted, and not for ever', () => {
  assert.notEqual(comeback().nextRetryDelayInMs({ retryCount: 50, elapsedMs: GIVE_UP - 1 }), null);
  assert.equal(comeback().nextRetryDelayInMs({ retryCount: 50, elapsedMs: GIVE_UP + 1 }), null);
});
