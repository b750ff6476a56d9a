/** Devices during the call, and the help with the shortcuts. */

import { fillDevices, hearDevices } from './device_select.js';
import { required } from './dom.js';

/** @typedef {import('../state.js').RoomStore} RoomStore */

/**
 * @param {RoomStore} store
 * @param {{choose: (kind: MediaDeviceKind, id: string) => void}} duties
 */
export function showSettings(store, { choose }) {
  const settings = required('settings-dialog', HTMLDialogElement);
  const help = required('help-dialog', HTMLDialogElement);
  required('open-settings', HTMLButtonElement).addEventListener('click', () => {
    fillDevices(settings, store.get());
    settings.showModal();
  });
  required('open-help', HTMLButtonElement).addEventListener('click', () => help.showModal());
  hearDevices(settings, choose);
  store.subscribe((now, before) => {
    if (settings.open && now.devices !== before.devices) fillDevices(settings, now);
  });
}
