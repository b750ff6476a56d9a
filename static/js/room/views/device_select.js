/** Lists of devices to choose from: before the call and in its settings. */

import { filled, gettext } from '../i18n.js';
import { make } from './dom.js';

/** @typedef {import('../state.js').State} State */

/** @param {ParentNode} root */
function selectsOf(root) {
  return /** @type {NodeListOf<HTMLSelectElement>} */ (root.querySelectorAll('select[data-kind]'));
}

/**
 * @param {ParentNode} root
 * @param {Pick<State, 'devices' | 'chosen'>} state
 */
export function fillDevices(root, { devices, chosen }) {
  for (const select of selectsOf(root)) {
    const kind = /** @type {MediaDeviceKind} */ (select.dataset.kind);
    const mine = devices.filter((device) => device.kind === kind);
    select.replaceChildren(...mine.map((device, place) => optionOf(device, place)));
    const kept = mine.find((device) => device.deviceId === chosen[kind]);
    if (kept) select.value = kept.deviceId;
    const field = select.closest('label');
    if (field) field.hidden = mine.length === 0 || (kind === 'audiooutput' && !('setSinkId' in HTMLMediaElement.prototype));
  }
}

/**
 * @param {MediaDeviceInfo} device
 * @param {number} place
 */
function optionOf(device, place) {
  const option = make('option', { text: device.label || filled(gettext('Device %(number)s'), { number: place + 1 }) });
  option.value = device.deviceId;
  return option;
}

/**
 * @param {ParentNode} root
 * @param {(kind: MediaDeviceKind, id: string) => void} choose
 */
export function hearDevices(root, choose) {
  for (const select of selectsOf(root)) {
    select.addEventListener('change', () => choose(/** @type {MediaDeviceKind} */ (select.dataset.kind), select.value));
  }
}
