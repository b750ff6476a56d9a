import assert from 'node:assert/strict';
import { setTimeout as after } from 'node:timers/promises';
import { test } from 'node:test';

import { watchQuality } from '../../static/js/room/quality_watch.js';
import { createStore } from '../../static/js/room/store.js';

/** A portal that answers when told to, and counts the questions. */
function portalOf() {
  const waiting = [];
  return { waiting, quality: () => new Promise((answer, refuse) => waiting.push({ answer, refuse })) };
}

function watched(pause = 1) {
  const store = createStore({ phase: 'joined', panel: null, measured: { state: 'waiting', people: new Map(), fault: '' } });
  const portal = portalOf();
  watchQuality({ store, portal, pause });
  const show = async (change) => {
    store.update(change);
    await after(0);
  };
  return { store, portal, show };
}

const ANA = { identity: 'user-ana' };

test('nobody is asked while nobody looks, and again and again while somebody does', async () => {
  const { store, portal, show } = watched();
  await show({ panel: 'people' });
  assert.equal(portal.waiting.length, 0);
  await show({ panel: 'quality' });
  assert.equal(portal.waiting.length, 1);
  portal.waiting[0].answer([ANA]);
  await after(20);
  assert.deepEqual([store.get().measured.state, store.get().measured.people.get('user-ana')], ['known', ANA]);
  assert.equal(portal.waiting.length, 2, 'one question at a time');
  await show({ panel: null });
  portal.waiting[1].answer([]);
  await after(20);
  assert.equal(portal.waiting.length, 2);
});

test('a slow answer to an earlier look is nobody’s', async () => {
  const { store, portal, show } = watched();
  await show({ panel: 'quality' });
  await show({ panel: null });
  await show({ panel: 'quality' });
  portal.waiting[0].answer([ANA]);
  await after(5);
  assert.equal(store.get().measured.state, 'waiting');
  assert.equal(portal.waiting.length, 2);
  await show({ panel: null });
});

test('no figures and no answer are told apart, and asking goes on', async () => {
  const { store, portal, show } = watched();
  await show({ panel: 'quality' });
  portal.waiting[0].answer([]);
  await after(20);
  assert.equal(store.get().measured.state, 'none');
  portal.waiting[1].refuse(new Error('The media server cannot be reached.'));
  await after(20);
  assert.deepEqual([store.get().measured.state, store.get().measured.fault], ['failed', 'The media server cannot be reached.']);
  assert.equal(portal.waiting.length, 3);
  await show({ phase: 'ended' });
});
