import assert from 'node:assert/strict';
import { test } from 'node:test';

import { endingOf, endingOfError } from '../../static/js/room/endings.js';
import { roster } from '../../static/js/room/roster.js';
import { commandOf } from '../../static/js/room/shortcuts.js';

function participant(identity, more = {}) {
  return {
    identity, name: '', isLocal: false, isMicrophoneEnabled: true, isSpeaking: false, connectionQuality: 'good',
    joinedAt: new Date(0), trackPublications: new Map(), ...more,
  };
}

const publication = (source, more = {}) => ({ source, track: { source }, isMuted: false, ...more });
const publications = (...all) => new Map(all.map((one, n) => [String(n), one]));

test('others by arrival, oneself last', () => {
  const remote = [participant('late', { joinedAt: new Date(9) }), participant('early', { joinedAt: new Date(1) })];
  const room = { localParticipant: participant('me', { isLocal: true }), remoteParticipants: new Map(remote.map((one) => [one.identity, one])) };
  assert.deepEqual(roster(room, new Map([['late', 5]])).map((one) => [one.identity, one.name, one.spokeAt]), [
    ['early', 'early', 0], ['late', 'late', 5], ['me', 'me', 0],
  ]);
});

test('muted, missing and unsubscribed tracks are null; a muted person does not speak', () => {
  const tracks = publications(publication('camera', { isMuted: true }), publication('screen_share', { track: undefined }), publication('microphone'));
  const silent = participant('a', { trackPublications: tracks, isSpeaking: true, isMicrophoneEnabled: false });
  const [one] = roster({ localParticipant: silent, remoteParticipants: new Map() }, new Map());
  assert.deepEqual([one.camera, one.screen, one.speaking, one.sounds.length], [null, null, false, 1]);
});

test('nobody hears themselves', () => {
  const own = participant('me', { isLocal: true, trackPublications: publications(publication('microphone'), publication('camera')) });
  const [one] = roster({ localParticipant: own, remoteParticipants: new Map() }, new Map());
  assert.deepEqual([one.sounds, one.camera?.source], [[], 'camera']);
});

test('ends have names; an unknown one is a lost connection', () => {
  assert.deepEqual([1, 2, 4, 5, 10, 3, undefined, 99].map(endingOf), ['left', 'elsewhere', 'removed', 'over', 'over', 'lost', 'lost', 'lost']);
  assert.deepEqual([{ reason: 0 }, { reason: 1 }, new Error('x'), null].map(endingOfError), ['refused', 'unreachable', 'unreachable', 'unreachable']);
});

test('shortcuts need their modifier and no other', () => {
  const keys = (more) => ({ key: '', code: '', ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });
  assert.equal(commandOf(keys({ key: 'd' })), null);
  assert.equal(commandOf(keys({ key: 'd', ctrlKey: true })), 'microphone');
  assert.equal(commandOf(keys({ key: 'E', metaKey: true })), 'camera');
  assert.equal(commandOf(keys({ key: 'd', ctrlKey: true, shiftKey: true })), null);
  assert.equal(commandOf(keys({ key: 'Ç', code: 'KeyC', altKey: true, shiftKey: true })), 'chat');
  assert.equal(commandOf(keys({ key: '~', code: 'KeyN', altKey: true, shiftKey: true })), 'quality');
  assert.equal(commandOf(keys({ key: 'x', code: 'KeyX', altKey: true, shiftKey: true })), null);
});
