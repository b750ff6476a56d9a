/** Where tiles go: rectangles in pixels inside the stage's box. Pure. */

/** @typedef {{width: number, height: number}} Box */
/** @typedef {{left: number, top: number, width: number, height: number}} Rect */

export const MOST_TILES = 49;
const GAP = 8;
const WIDEST = 16 / 9;
/** In an upright box (a telephone) faces are cut to a square rather than shrunk to a stripe. */
const NARROWEST = { upright: 1, lying: 4 / 3 };
/** Below this many pixels a face cannot be told from another. */
const SMALLEST = 104;
const STRIP = { share: 0.2, least: 144, most: 256 };

/**
 * The grid of `count` equal tiles that shows the most picture; of equals, the one with fewer rows.
 * @param {number} count
 * @param {Box} box
 */
export function bestGrid(count, box) {
  const narrowest = box.width < box.height ? NARROWEST.upright : NARROWEST.lying;
  let best = { columns: 1, rows: Math.max(1, count), width: 0, height: 0 };
  for (let columns = count; columns >= 1; columns -= 1) {
    const rows = Math.ceil(count / columns);
    const tile = largestTile((box.width - GAP * (columns - 1)) / columns, (box.height - GAP * (rows - 1)) / rows, narrowest);
    if (tile.width * tile.height > best.width * best.height) best = { columns, rows, ...tile };
  }
  return best;
}

/**
 * @param {number} width of the cell
 * @param {number} height of the cell
 * @param {number} narrowest smallest width over height
 */
function largestTile(width, height, narrowest) {
  const [w, h] = [Math.max(0, width), Math.max(0, height)];
  return { width: Math.floor(Math.min(w, h * WIDEST)), height: Math.floor(Math.min(h, w / narrowest)) };
}

/**
 * Equal tiles, the last row centred. As many as stay large enough to be told apart.
 * @param {number} count
 * @param {Box} box
 * @returns {Rect[]} at most `count`
 */
export function gridRects(count, box) {
  const shown = roomFor(count, box);
  const { columns, rows, width, height } = bestGrid(shown, box);
  const top = (box.height - rows * height - (rows - 1) * GAP) / 2;
  return Array.from({ length: shown }, (_, place) => {
    const [row, column] = [Math.floor(place / columns), place % columns];
    const inRow = Math.min(columns, shown - row * columns);
    const left = (box.width - inRow * width - (inRow - 1) * GAP) / 2;
    return { left: Math.round(left + column * (width + GAP)), top: Math.round(top + row * (height + GAP)), width, height };
  });
}

/**
 * @param {number} count
 * @param {Box} box
 */
function roomFor(count, box) {
  let shown = Math.min(count, MOST_TILES);
  while (shown > 1 && bestGrid(shown, box).width < SMALLEST) shown -= 1;
  return shown;
}

/**
 * One large picture and, beside or below it, as many small tiles as fit.
 * @param {number} count all tiles, the large one included
 * @param {Box} box
 * @returns {Rect[]} the large one first
 */
export function focusRects(count, box) {
  if (count <= 1) return gridRects(count, box).map(() => ({ left: 0, top: 0, ...box }));
  return box.width >= box.height ? besideRects(count - 1, box) : belowRects(count - 1, box);
}

/**
 * @param {number} small
 * @param {Box} box
 * @returns {Rect[]}
 */
function besideRects(small, box) {
  const widthForAll = ((box.height + GAP) / small - GAP) * WIDEST;
  const width = Math.floor(Math.max(STRIP.least, Math.min(STRIP.most, box.width * STRIP.share, widthForAll)));
  const height = Math.floor(width / WIDEST);
  const fit = Math.min(small, Math.max(1, Math.floor((box.height + GAP) / (height + GAP))));
  const top = Math.max(0, (box.height - fit * height - (fit - 1) * GAP) / 2);
  const left = box.width - width;
  const strip = Array.from({ length: fit }, (_, place) => ({ left, top: Math.round(top + place * (height + GAP)), width, height }));
  return [{ left: 0, top: 0, width: left - GAP, height: box.height }, ...strip];
}

/**
 * @param {number} small
 * @param {Box} box
 * @returns {Rect[]}
 */
function belowRects(small, box) {
  const height = Math.floor(Math.min(140, Math.max(64, box.height * STRIP.share)));
  const width = Math.floor(Math.min(height * WIDEST, (box.width - GAP) / 2));
  const fit = Math.min(small, Math.max(1, Math.floor((box.width + GAP) / (width + GAP))));
  const left = (box.width - fit * width - (fit - 1) * GAP) / 2;
  const top = box.height - height;
  const strip = Array.from({ length: fit }, (_, place) => ({ left: Math.round(left + place * (width + GAP)), top, width, height }));
  return [{ left: 0, top: 0, width: box.width, height: top - GAP }, ...strip];
}
