/** One tile: a face or a shared screen, with name and marks. */

import { filled, gettext } from '../i18n.js';
import { shownName } from '../naming.js';
import { icon, make, unseen } from './dom.js';

/** @typedef {import('../tile_list.js').Tile} TileData */
/** @typedef {import('../grid.js').Rect} Rect */
/** @typedef {import('../state.js').Track} Track */
/** @typedef {import('../state.js').Quality} Quality */

/** @type {Readonly<Record<Quality, () => string>>} */
const QUALITY_TEXT = {
  excellent: () => gettext('connection very good'),
  good: () => gettext('connection good'),
  poor: () => gettext('connection poor'),
  lost: () => gettext('connection lost'),
  unknown: () => '',
};

/** @param {Quality} quality @param {boolean} [inWords] for eyes, too */
export function qualityMark(quality, inWords = false) {
  const mark = make('span', { class: 'quality', data: { quality } }, [make('i'), make('i'), make('i')]);
  const text = QUALITY_TEXT[quality]();
  mark.title = text;
  mark.append(inWords ? make('span', { text }) : unseen(text));
  return mark;
}

/** @param {string} name */
export function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...(word ?? '')][0] ?? '').join('').toUpperCase();
}

/** A quiet colour that stays with the person. @param {string} identity */
function hueOf(identity) {
  return [...identity].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360, 7);
}

/** @param {TileData} data */
export function createTile({ key, person: { identity }, source }) {
  const letters = make('div', { class: 'tile-letters' });
  letters.setAttribute('aria-hidden', 'true');
  letters.style.setProperty('--hue', String(hueOf(identity)));
  const video = make('video', { class: 'tile-video' });
  Object.assign(video, { muted: true, autoplay: true, playsInline: true, hidden: true, disablePictureInPicture: false });
  const caption = make('div', { class: 'tile-caption' });
  const element = make('li', { class: `tile tile-${source}`, data: { testid: 'tile', identity, source } }, [letters, video, caption]);
  /** @type {Track | null} */
  let shown = null;
  let marks = '';

  /** @param {Track | null} track */
  const show = (track) => {
    if (track === shown) return;
    shown?.detach(video);
    track?.attach(video);
    shown = track;
    video.hidden = !track;
  };

  return {
    key,
    element,
    /** @param {TileData} now @param {Rect} rect */
    update({ person }, rect) {
      for (const side of /** @type {const} */ (['left', 'top', 'width', 'height'])) element.style[side] = `${rect[side]}px`;
      element.classList.toggle('tile-small', rect.width < 200);
      element.classList.toggle('tile-own', person.local);
      element.classList.toggle('tile-speaking', person.speaking && source === 'camera');
      letters.textContent = initials(person.name);
      show(source === 'screen' ? person.screen : person.camera);
      const wanted = [person.name, person.microphone, person.quality].join('\n');
      if (marks !== wanted) caption.replaceChildren(...captionOf({ key, person, source }));
      marks = wanted;
    },
    remove() {
      show(null);
      element.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createTile>} TileView */

/**
 * @param {TileData} tile
 * @returns {Node[]}
 */
function captionOf({ person, source }) {
  const name = shownName(person);
  if (source === 'screen') {
    const text = person.local ? gettext('Your screen') : filled(gettext('Screen of %(name)s'), { name: person.name });
    return [icon('screen'), make('span', { class: 'tile-name', text })];
  }
  const muted = person.microphone ? [] : [icon('microphone-off'), unseen(gettext('muted'))];
  return [...muted, make('span', { class: 'tile-name', text: name }), qualityMark(person.quality)];
}
