import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bestGrid, focusRects, gridRects, MOST_TILES } from '../../static/js/room/grid.js';

const WIDE = { width: 1280, height: 640 };
const UPRIGHT = { width: 344, height: 560 };

function inside(rect, box) {
  return rect.left >= 0 && rect.top >= 0 && rect.left + rect.width <= box.width + 1 && rect.top + rect.height <= box.height + 1;
}

function overlap(a, b) {
  return a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;
}

for (const [name, box] of Object.entries({ WIDE, UPRIGHT, flat: { width: 800, height: 200 }, square: { width: 600, height: 600 } })) {
  for (const [kind, place] of Object.entries({ gridRects, focusRects })) {
    test(`${kind}: tiles stay in the ${name} box and never overlap, 1 to 60`, () => {
      for (let count = 1; count <= 60; count += 1) {
        const rects = place(count, box);
        assert.ok(rects.length >= 1 && rects.length <= Math.min(count, MOST_TILES + 1));
        for (const rect of rects) assert.ok(inside(rect, box), `${count}: ${JSON.stringify(rect)}`);
        rects.forEach((a, i) => rects.slice(i + 1).forEach((b) => assert.ok(!overlap(a, b), `${count} tiles`)));
      }
    });
  }
}

test('a wide box puts two side by side, an upright one puts them one above the other', () => {
  assert.equal(bestGrid(2, WIDE).columns, 2);
  assert.equal(bestGrid(2, UPRIGHT).columns, 1);
});

test('known numbers of people make the expected grids', () => {
  const shapes = [1, 4, 5, 9, 12, 49].map((count) => [bestGrid(count, WIDE).columns, bestGrid(count, WIDE).rows]);
  assert.deepEqual(shapes, [[1, 1], [2, 2], [3, 2], [3, 3], [4, 3], [9, 6]]);
});

test('49 tiles fit a computer screen, a telephone shows fewer but each stays recognisable', () => {
  assert.equal(gridRects(49, WIDE).length, 49);
  assert.equal(gridRects(50, WIDE).length, MOST_TILES);
  const small = gridRects(49, UPRIGHT);
  assert.ok(small.length < 49);
  assert.ok(small.every((rect) => rect.width >= 104));
});

test('no tile is wider than 16:9 or narrower than its box allows', () => {
  for (let count = 1; count <= 49; count += 1) {
    for (const [box, narrowest] of [[WIDE, 4 / 3], [UPRIGHT, 1]]) {
      const { width, height } = bestGrid(count, box);
      assert.ok(width / height < 16 / 9 + 0.05, `${count}: ${width}×${height}`);
      assert.ok(width / height > narrowest - 0.05, `${count}: ${width}×${height}`);
    }
  }
});

test('the last row is centred', () => {
  const rects = gridRects(5, WIDE);
  const last = rects.slice(3);
  const left = last[0].left;
  const right = WIDE.width - (last[1].left + last[1].width);
  assert.ok(Math.abs(left - right) <= 1);
});

test('a shared screen gets most of the box, alone all of it', () => {
  const [screen] = focusRects(6, WIDE);
  assert.ok((screen.width * screen.height) / (WIDE.width * WIDE.height) > 0.7);
  assert.deepEqual(focusRects(1, WIDE), [{ left: 0, top: 0, ...WIDE }]);
});

test('beside a shared screen the tiles shrink before any is left out', () => {
  assert.equal(focusRects(6, WIDE).length, 6);
  assert.equal(focusRects(20, WIDE).length, 8);
});

test('a box without size does no harm', () => {
  assert.ok(gridRects(3, { width: 0, height: 0 }).every((rect) => rect.width === 0 && rect.height === 0));
});
