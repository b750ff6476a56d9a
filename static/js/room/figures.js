/** How well people are connected, in numbers, and those numbers as people read them. Pure. */

import { filled, gettext, ngettext } from './i18n.js';

/** @typedef {'large' | 'medium' | 'small' | 'single'} Size of a video; single: it is sent in one size only */
/** @typedef {{size: Size, screen: boolean, count: number}} Picture */

/**
 * One direction between a participant and the server.
 * @typedef {Object} Way
 * @property {number} bitrate bit/s
 * @property {number | null} loss lost packets from 0 to 1; null while unknown
 * @property {readonly Picture[]} pictures
 */

/**
 * @typedef {Object} Figures
 * @property {string} identity
 * @property {Way} up what the participant sends
 * @property {Way} down what the participant receives
 * @property {number | null} roundTrip milliseconds; null while unknown
 * @property {number} paused videos held back from the participant for want of bandwidth
 */

/** Stands where a number is not known yet. */
export const UNKNOWN = '–';

/**
 * Figures in the reader's language.
 * @param {string} language of the page
 */
export function createWording(language) {
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const fine = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const roughShare = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 });
  const fineShare = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 });

  return {
    /** @param {number} bits per second */
    bitrate(bits) {
      if (bits < 999_500) return filled(gettext('%(number)s kbit/s'), { number: whole.format(bits / 1000) });
      return filled(gettext('%(number)s Mbit/s'), { number: fine.format(bits / 1e6) });
    },
    /** @param {number | null} part from 0 to 1 */
    share(part) {
      if (part === null) return UNKNOWN;
      return (part < 0.0995 ? fineShare : roughShare).format(part);
    },
    /** @param {number | null} milliseconds */
    time(milliseconds) {
      if (milliseconds === null) return UNKNOWN;
      return filled(gettext('%(number)s ms'), { number: whole.format(milliseconds) });
    },
    /** @param {string[]} names */
    names: (names) => new Intl.ListFormat(language, { type: 'conjunction' }).format(names),
  };
}

/** @typedef {ReturnType<typeof createWording>} Wording */

/** @type {readonly Size[]} */
const ORDER = ['large', 'medium', 'small', 'single'];

/**
 * The sizes among the pictures, shared screens first, then the largest.
 * @param {readonly Picture[]} pictures
 * @returns {string[]} one line each
 */
export function sizesOf(pictures) {
  const ordered = [...pictures].sort((a, b) => Number(b.screen) - Number(a.screen) || ORDER.indexOf(a.size) - ORDER.indexOf(b.size));
  return ordered.map(({ size, screen, count }) => {
    const words = filled(sizeWords(size, count), { count });
    return screen ? filled(gettext('screen: %(size)s'), { size: words }) : words;
  });
}

/** @param {Size} size @param {number} count */
function sizeWords(size, count) {
  switch (size) {
    case 'large':
      return ngettext('large', '%(count)s large', count);
    case 'medium':
      return ngettext('medium', '%(count)s medium', count);
    case 'small':
      return ngettext('small', '%(count)s small', count);
    default:
      return ngettext('one size', '%(count)s in one size', count);
  }
}
