/** What is wrong with somebody's connection, and what can be done about it, in words. Pure. */

import { filled, gettext, ngettext } from './i18n.js';

/** @typedef {import('./figures.js').Figures} Figures */
/** @typedef {import('./figures.js').Wording} Wording */
/** @typedef {import('./state.js').Person} Person */
/** @typedef {Pick<Person, 'name' | 'local' | 'quality'>} Who */
/** @typedef {'interrupted' | 'camera' | 'screen' | 'upload' | 'download' | 'paused' | 'far'} Trouble */

/** Above this share of lost packets, speech is heard to break up although the codec fills gaps. */
const LOSSY = 0.05;
/** There and back (ms); from 150 ms each way on, people begin to talk over one another (ITU-T G.114). */
const FAR = 300;

/**
 * What is wrong, the most pressing first; at most two, for more is not read.
 * @param {Who} who
 * @param {Figures | undefined} figures none were had yet
 * @returns {Trouble[]}
 */
export function troublesOf(who, figures) {
  if (who.quality === 'lost') return ['interrupted'];
  if (!figures) return [];
  /** @type {Trouble[]} */
  const found = [];
  if ((figures.up.loss ?? 0) >= LOSSY) found.push(uploadTrouble(figures));
  if ((figures.down.loss ?? 0) >= LOSSY) found.push('download');
  if (figures.paused > 0) found.push('paused');
  if ((figures.roundTrip ?? 0) >= FAR) found.push('far');
  return found.slice(0, 2);
}

/** @param {Figures} figures @returns {Trouble} */
function uploadTrouble({ up }) {
  if (up.pictures.some((picture) => !picture.screen)) return 'camera';
  return up.pictures.length ? 'screen' : 'upload';
}

/**
 * @param {Trouble} trouble
 * @param {Who} who
 * @param {Figures | undefined} figures
 * @param {Wording} wording
 */
export function advice(trouble, who, figures, wording) {
  const values = {
    name: who.name,
    sent: wording.share(figures?.up.loss ?? null),
    received: wording.share(figures?.down.loss ?? null),
    time: wording.time(figures?.roundTrip ?? null),
    count: figures?.paused ?? 0,
  };
  return filled((who.local ? toOneself : aboutOthers)(trouble, values.count), values);
}

/** @param {Trouble} trouble @param {number} paused */
function toOneself(trouble, paused) {
  switch (trouble) {
    case 'interrupted':
      return gettext('Your connection is interrupted. The page is reconnecting by itself.');
    case 'camera':
      return gettext('Your upload loses %(sent)s of packets: switch your camera off.');
    case 'screen':
      return gettext('Your upload loses %(sent)s of packets: stop sharing your screen when you can.');
    case 'upload':
      return gettext('Your upload loses %(sent)s of packets: use a cable, or move nearer to the Wi-Fi.');
    case 'download':
      return gettext('%(received)s of what is sent to you gets lost: close other downloads, use a cable, or move nearer to the Wi-Fi.');
    case 'paused':
      return ngettext(
        '%(count)s video is paused, because your connection cannot carry it. Sound has priority. Close other downloads.',
        '%(count)s videos are paused, because your connection cannot carry them. Sound has priority. Close other downloads.',
        paused,
      );
    case 'far':
      return gettext('It takes %(time)s to the server and back: leave pauses when you speak. A VPN may be the cause.');
  }
}

/** @param {Trouble} trouble @param {number} paused */
function aboutOthers(trouble, paused) {
  switch (trouble) {
    case 'interrupted':
      return gettext('%(name)s’s connection is interrupted. Their page is reconnecting by itself: wait a moment.');
    case 'camera':
      return gettext('%(name)s’s upload loses %(sent)s of packets: they might switch their camera off.');
    case 'screen':
      return gettext('%(name)s’s upload loses %(sent)s of packets: somebody else might share the screen.');
    case 'upload':
      return gettext('%(name)s’s upload loses %(sent)s of packets: they might use a cable, or move nearer to the Wi-Fi.');
    case 'download':
      return gettext('%(received)s of what is sent to %(name)s gets lost: they might close other downloads, use a cable, or move nearer to the Wi-Fi.');
    case 'paused':
      return ngettext(
        '%(name)s does not see %(count)s video, because their connection cannot carry it. Say aloud what is shown there.',
        '%(name)s does not see %(count)s videos, because their connection cannot carry them. Say aloud what is shown there.',
        paused,
      );
    case 'far':
      return gettext('It takes %(time)s from %(name)s to the server and back: leave pauses, so that they can come in.');
  }
}
