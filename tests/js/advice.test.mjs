import assert from 'node:assert/strict';
import { test } from 'node:test';

import { advice, troublesOf } from '../../static/js/room/advice.js';
import { createWording } from '../../static/js/room/figures.js';

const wording = createWording('en');
const camera = { size: 'large', screen: false, count: 1 };
const screen = { size: 'single', screen: true, count: 1 };
const ana = { name: 'Ana', local: false, quality: 'good' };
const me = { ...ana, local: true };

function figures({ up = 0, down = 0, roundTrip = 20, paused = 0, pictures = [camera] } = {}) {
  return { identity: 'user-1', up: { bitrate: 1, loss: up, pictures }, down: { bitrate: 1, loss: down, pictures: [] }, roundTrip, paused };
}
const told = (who, all) => troublesOf(who, all).map((trouble) => advice(trouble, who, all, wording));

test('a good connection, and one that is not known yet, call for nothing', () => {
  assert.deepEqual(told(ana, figures({ up: 0.049, down: 0.049, roundTrip: 299 })), []);
  assert.deepEqual(told(ana, undefined), []);
  assert.deepEqual(told(ana, figures({ up: null, down: null, roundTrip: null })), []);
});

test('an upload that loses packets is spared by its camera first', () => {
  assert.deepEqual(told(ana, figures({ up: 0.08, pictures: [screen, camera] })), [
    'Ana’s upload loses 8% of packets: they might switch their camera off.',
  ]);
  assert.deepEqual(troublesOf(ana, figures({ up: 0.08, pictures: [screen] })), ['screen']);
  assert.deepEqual(troublesOf(ana, figures({ up: 0.08, pictures: [] })), ['upload']);
});

test('oneself is spoken to', () => {
  assert.deepEqual(told(me, figures({ up: 0.08 })), ['Your upload loses 8% of packets: switch your camera off.']);
});

test('loss on the way down, paused pictures, a long way', () => {
  assert.match(told(ana, figures({ down: 0.12 }))[0], /^12% of what is sent to Ana gets lost: /);
  assert.match(told(ana, figures({ paused: 1 }))[0], /^Ana does not see 1 video,/);
  assert.match(told(ana, figures({ paused: 3 }))[0], /^Ana does not see 3 videos,/);
  assert.match(told(me, figures({ roundTrip: 412 }))[0], /^It takes 412 ms to the server and back/);
});

test('every trouble has words of its own for oneself and for others', () => {
  const all = ['interrupted', 'camera', 'screen', 'upload', 'download', 'paused', 'far'];
  const words = [ana, me].flatMap((who) => all.map((trouble) => advice(trouble, who, figures({ paused: 2 }), wording)));
  assert.equal(new Set(words).size, 2 * all.length);
  for (const sentence of words) assert.doesNotMatch(sentence, /%\(|undefined/);
});

test('no more than two things are told, and of a lost connection only that', () => {
  const bad = figures({ up: 0.2, down: 0.2, roundTrip: 900, paused: 2 });
  assert.deepEqual(troublesOf(ana, bad), ['camera', 'download']);
  assert.deepEqual(troublesOf({ ...ana, quality: 'lost' }, bad), ['interrupted']);
});
