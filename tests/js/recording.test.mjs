import assert from 'node:assert/strict';
import { test } from 'node:test';

import { recall, remember } from '../../static/js/room/memory.js';
import { createRecording } from '../../static/js/room/recording.js';
import { initialState } from '../../static/js/room/state.js';
import { createStore } from '../../static/js/room/store.js';

/** A portal that keeps what it is told, and fails when told to. */
function fakePortal(fault = '') {
  const told = [];
  const answer = async (...what) => {
    told.push(what);
    if (fault) throw new Error(fault);
    return {};
  };
  return { told, recording: (action) => answer('recording', action), consent: (agreed) => answer('consent', agreed) };
}

function setUp(fault) {
  const store = createStore(initialState({ name: 'Ann', recordingRunning: false }, {}));
  const portal = fakePortal(fault);
  return { store, portal, recording: createRecording({ store, portal }) };
}

test('starting a recording agrees to it', async () => {
  const { store, portal, recording } = setUp();
  await recording.start();
  recording.changed(true);
  assert.deepEqual(portal.told, [['recording', 'start'], ['consent', true]]);
  assert.deepEqual([store.get().recording, store.get().consent], [true, 'agreed']);
});

test('others are told at once and agree by saying so', async () => {
  const { store, portal, recording } = setUp();
  recording.changed(true);
  assert.equal(store.get().consent, 'asked');
  assert.equal(await recording.agree(), '');
  assert.deepEqual(portal.told, [['consent', false], ['consent', true]]);
  assert.equal(store.get().consent, 'agreed');
});

test('consent that the portal could not keep is not given', async () => {
  const { store, recording } = setUp('The portal is away.');
  recording.changed(true);
  assert.equal(await recording.agree(), 'The portal is away.');
  assert.equal(store.get().consent, 'asked');
});

test('a recording that could not start says why and waits for nothing', async () => {
  const { store, recording } = setUp('No space left.');
  await recording.start();
  assert.equal(store.get().recordingRequest, null);
  assert.deepEqual(store.get().notices.map((notice) => [notice.text, notice.error]), [['No space left.', true]]);
});

test('the same word twice is told once', () => {
  const { store, recording } = setUp();
  recording.changed(true);
  recording.changed(true);
  assert.equal(store.get().notices.length, 1);
});

test('device choices are remembered; nonsense and a full storage are survived', () => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  assert.deepEqual(recall(storage), {});
  remember(storage, { audioinput: 'mic-1' });
  assert.deepEqual(recall(storage), { audioinput: 'mic-1' });
  for (const nonsense of ['{', 'null', '7', '{"audioinput": 5, "other": "x"}']) {
    assert.deepEqual(recall({ getItem: () => nonsense }), {}, nonsense);
  }
  let tried = 0;
  remember({ setItem: () => { tried += 1; throw new Error('full'); } }, { audioinput: 'x' });
  assert.equal(tried, 1);
});

test('a recording that was cut short is told as a fault, and stays told when the mark goes', () => {
  const { store, recording } = setUp();
  recording.changed(true);
  recording.cutShort();
  recording.changed(false);
  const faults = store.get().notices.filter((notice) => notice.error);
  assert.equal(faults.length, 1);
  assert.equal(store.get().recording, false);
});
