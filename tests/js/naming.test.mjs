import assert from 'node:assert/strict';
import { test } from 'node:test';

import { shownName } from '../../static/js/room/naming.js';

test('people are called by their name', () => {
  assert.equal(shownName({ identity: 'user-1', name: 'Alice', local: false }), 'Alice');
});

test('a guest who takes somebody’s name is still marked as a guest', () => {
  assert.equal(shownName({ identity: 'guest-1', name: 'Alice', local: false }), 'Alice (guest)');
});

test('oneself is marked as oneself, guest or not', () => {
  assert.equal(shownName({ identity: 'user-1', name: 'Alice', local: true }), 'Alice (you)');
  assert.equal(shownName({ identity: 'guest-1', name: 'Gaston', local: true }), 'Gaston (you)');
});
