/** Which devices the person chose last, kept in this browser only. */

const KEY = 'visio.devices';
/** @type {MediaDeviceKind[]} */
const KINDS = ['audioinput', 'videoinput', 'audiooutput'];

/** @typedef {Partial<Record<MediaDeviceKind, string>>} Chosen */

/**
 * @param {Pick<Storage, 'getItem'>} storage
 * @returns {Chosen} empty when nothing, or nothing sensible, is kept
 */
export function recall(storage) {
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? '{}');
    return Object.fromEntries(KINDS.filter((kind) => typeof kept?.[kind] === 'string').map((kind) => [kind, kept[kind]]));
  } catch {
    return {};
  }
}

/**
 * @param {Pick<Storage, 'setItem'>} storage
 * @param {Chosen} chosen
 */
export function remember(storage, chosen) {
  try {
    storage.setItem(KEY, JSON.stringify(chosen));
  } catch {
    // A full or forbidden storage only means that the choice is asked for again.
  }
}
