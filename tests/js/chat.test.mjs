import assert from 'node:assert/strict';
import { test } from 'node:test';

import { KEPT, merged, messageFrom, messageFromBytes, pieces } from '../../static/js/room/chat.js';

const message = (id, sentAt = '2025-01-01T10:00:00Z') => ({ id, identity: 'p1', name: 'Ann', text: 'hello', sentAt });
const bytes = (value) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

test('a message comes through, a number as identifier becomes text', () => {
  assert.deepEqual(messageFrom({ ...message('a'), more: 1 }), message('a'));
  assert.equal(messageFrom({ ...message('a'), id: 7 })?.id, '7');
});

test('what is no message is null', () => {
  const bad = [null, 7, 'text', [], {}, { ...message('a'), text: 5 }, { ...message('a'), id: {} }, { ...message('a'), sentAt: 'never' }];
  for (const value of bad) assert.equal(messageFrom(value), null, JSON.stringify(value));
});

test('bytes that are not UTF-8 or not JSON are null', () => {
  assert.equal(messageFromBytes(new Uint8Array([0xff, 0xfe])), null);
  assert.equal(messageFromBytes(bytes('{')), null);
  assert.deepEqual(messageFromBytes(bytes(message('é'))), message('é'));
});

test('a message that arrives twice is kept once, all in order of time', () => {
  const late = message('b', '2025-01-01T10:05:00Z');
  const known = merged([], [late, message('a')]);
  assert.deepEqual(known.map((one) => one.id), ['a', 'b']);
  assert.equal(merged(known, [late]), known);
  assert.equal(merged([], [late, late]).length, 1);
});

test('the oldest messages give way', () => {
  const many = Array.from({ length: KEPT + 5 }, (_, n) => message(String(n), new Date(n * 1000).toISOString()));
  assert.equal(merged([], many).length, KEPT);
  assert.equal(merged([], many)[0].id, '5');
});

test('addresses become links, without the punctuation that follows', () => {
  assert.deepEqual(pieces('see https://example.org/a. Yes'), [
    { text: 'see ', link: false }, { text: 'https://example.org/a', link: true }, { text: '. Yes', link: false },
  ]);
  assert.deepEqual(pieces('javascript:alert(1)'), [{ text: 'javascript:alert(1)', link: false }]);
  assert.deepEqual(pieces(''), []);
});
