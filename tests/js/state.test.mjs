import assert from 'node:assert/strict';
import { test } from 'node:test';

import { comings, initialState, me, withNotice, withRecording } from '../../static/js/room/state.js';
import { createStore } from '../../static/js/room/store.js';
import { person } from './people.mjs';

const quiet = { recording: false, recordingRequest: null, consent: 'none' };

test('readers hear of several changes at once, with the state before them', async () => {
  const store = createStore({ a: 1, b: 1 });
  const heard = [];
  store.subscribe((now, before) => heard.push([now, before]));
  store.update({ a: 2 });
  store.update({ b: 3 });
  assert.deepEqual(heard, []);
  await Promise.resolve();
  assert.deepEqual(heard, [[{ a: 2, b: 3 }, { a: 1, b: 1 }]]);
});

test('a reader that updates is heard in a further round, never out of order', async () => {
  const store = createStore({ n: 0 });
  const seen = [];
  store.subscribe((now) => now.n < 3 && store.update({ n: now.n + 1 }));
  store.subscribe((now, before) => seen.push([before.n, now.n]));
  store.update({ n: 1 });
  await new Promise((done) => setTimeout(done, 0));
  assert.deepEqual(seen, [[0, 1], [1, 2], [2, 3]]);
});

test('who started the recording has agreed; who did not is asked', () => {
  assert.equal(withRecording({ ...quiet, recordingRequest: 'start' }, true).consent, 'agreed');
  assert.equal(withRecording(quiet, true).consent, 'asked');
});

test('who agreed before joining is not asked again, but is for the next recording', () => {
  const agreed = withRecording({ ...quiet, consent: 'agreed' }, true);
  assert.equal(agreed.consent, 'agreed');
  const next = withRecording(withRecording(agreed, false), true);
  assert.equal(next.consent, 'asked');
});

test('the wish to start outlives a stale "not recording", the wish to stop ends with it', () => {
  assert.equal(withRecording({ ...quiet, recordingRequest: 'start' }, false).recordingRequest, 'start');
  assert.equal(withRecording({ recording: true, recordingRequest: 'stop', consent: 'agreed' }, false).recordingRequest, null);
});

test('comings and goings leave oneself out', () => {
  const self = person('me', { local: true });
  assert.deepEqual(comings([self, person('a')], [self, person('b')]), { came: ['B'], went: ['A'] });
  assert.deepEqual(comings([], [self]), { came: [], went: [] });
});

test('notices are few, the newest kept, each with its own number', () => {
  let state = { notices: [] };
  for (const text of ['1', '2', '3', '4', '5']) state = withNotice(state, text);
  assert.deepEqual(state.notices.map((notice) => notice.text), ['2', '3', '4', '5']);
  assert.equal(new Set(state.notices.map((notice) => notice.id)).size, 4);
});

test('the page begins with what the server said', () => {
  const state = initialState({ name: 'Ann', recordingRunning: true }, { audioinput: 'x' });
  assert.deepEqual([state.phase, state.name, state.chosen.audioinput, me(state)], ['preparing', 'Ann', 'x', null]);
});
