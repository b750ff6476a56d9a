/** The recording mark, the questions before starting and stopping, and everyone's consent. */

import { inCall } from '../state.js';
import { optional, required } from './dom.js';

/** @typedef {import('../state.js').RoomStore} RoomStore */

/**
 * @typedef {Object} Duties
 * @property {() => void} start
 * @property {() => void} stop
 * @property {() => Promise<string>} agree resolves to what went wrong; empty when nothing did
 * @property {() => void} leave
 */

/**
 * @param {RoomStore} store
 * @param {Duties} duties
 */
export function showRecording(store, { start, stop, agree, leave }) {
  const mark = required('recording-mark', HTMLElement);
  hearRecordButton(store, start, stop);
  const consent = askConsent(agree, leave);

  store.subscribe((now) => {
    mark.hidden = !(inCall(now) && now.recording);
    const ask = inCall(now) && now.consent === 'asked';
    if (ask && !consent.open) consent.showModal();
    if (!ask && consent.open) consent.close();
  });
  // A telephone's "back" closes dialogs too, and is no answer either.
  consent.addEventListener('close', () => {
    if (inCall(store.get()) && store.get().consent === 'asked') consent.showModal();
  });
}

/**
 * @param {RoomStore} store
 * @param {() => void} start
 * @param {() => void} stop
 */
function hearRecordButton(store, start, stop) {
  const record = optional('control-record', HTMLButtonElement);
  if (!record) return;
  const starting = required('record-start-dialog', HTMLDialogElement);
  const stopping = required('record-stop-dialog', HTMLDialogElement);
  record.addEventListener('click', () => (store.get().recording ? stopping : starting).showModal());
  required('record-confirm', HTMLButtonElement).addEventListener('click', start);
  required('record-stop-confirm', HTMLButtonElement).addEventListener('click', stop);
}

/**
 * @param {Duties['agree']} agree
 * @param {() => void} leave
 */
function askConsent(agree, leave) {
  const dialog = required('consent-dialog', HTMLDialogElement);
  const fault = required('consent-fault', HTMLElement);
  // Escape is no answer; Chromium lets a second one through without "cancel".
  dialog.addEventListener('keydown', (event) => event.key === 'Escape' && event.preventDefault());
  dialog.addEventListener('cancel', (event) => event.preventDefault());
  required('consent-agree', HTMLButtonElement).addEventListener('click', async () => {
    fault.textContent = await agree();
    fault.hidden = !fault.textContent;
  });
  required('consent-leave', HTMLButtonElement).addEventListener('click', leave);
  return dialog;
}
