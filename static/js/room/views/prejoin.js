/** Before joining: preview, level, devices, name, consent. */

import { problemText } from '../announcer.js';
import { gettext } from '../i18n.js';
import { optional, required } from './dom.js';
import { fillDevices, hearDevices } from './device_select.js';

/** @typedef {import('../state.js').RoomStore} RoomStore */
/** @typedef {import('../state.js').State} State */
/** @typedef {import('../state.js').Source} Source */

/**
 * @typedef {Object} Duties
 * @property {(who: {name: string, agreed: boolean}) => void} join
 * @property {(source: Source, on: boolean) => void} turn
 * @property {(kind: MediaDeviceKind, id: string) => void} choose
 */

/** @type {readonly Source[]} */
const SOURCES = ['microphone', 'camera'];

/**
 * @param {RoomStore} store
 * @param {Duties} duties
 */
export function showPrejoin(store, { join, turn, choose }) {
  const section = required('prejoin', HTMLElement);
  const form = required('prejoin-form', HTMLFormElement);
  const name = optional('guest-name', HTMLInputElement);
  const agreed = optional('prejoin-agreed', HTMLInputElement);

  for (const source of SOURCES) {
    required(`prejoin-${source}`, HTMLButtonElement).addEventListener('click', () => turn(source, !store.get().wanted[source]));
  }
  hearDevices(form, choose);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    join({ name: name ? name.value.trim() : store.get().name, agreed: agreed?.checked ?? false });
  });

  const level = measureLevel(store);
  /** @param {State} now @param {State} [before] */
  const render = (now, before) => {
    const here = now.phase === 'preparing' || now.phase === 'joining';
    section.hidden = !here;
    level(here);
    showVideo(now, before);
    renderSwitches(now);
    renderJoin(now);
    if (now.devices !== before?.devices || now.chosen !== before?.chosen) fillDevices(form, now);
    if (now.refusal && now.phase === 'preparing' && before?.phase === 'joining') (name ?? required('join', HTMLButtonElement)).focus();
  };
  store.subscribe(render);
  render(store.get());
}

/** @param {State} now @param {State} [before] */
function showVideo(now, before) {
  const video = required('preview', HTMLVideoElement);
  const [track, old] = [now.preview.camera, before?.preview.camera];
  if (track !== old) {
    old?.detach(video);
    track?.attach(video);
  }
  video.hidden = !track;
  const without = required('preview-off', HTMLElement);
  without.hidden = Boolean(track);
  without.textContent = now.wanted.camera && !now.problems.camera ? gettext('The camera is starting…') : gettext('The camera is off.');
}

/** @param {State} now */
function renderSwitches(now) {
  for (const source of SOURCES) {
    required(`prejoin-${source}`, HTMLButtonElement).setAttribute('aria-pressed', String(now.wanted[source]));
    const problem = required(`prejoin-${source}-problem`, HTMLElement);
    const kind = now.problems[source];
    const text = kind ? problemText(source, kind) : '';
    if (problem.textContent !== text) problem.textContent = text;
    problem.hidden = !text;
  }
}

/** @param {State} now */
function renderJoin(now) {
  const button = required('join', HTMLButtonElement);
  button.setAttribute('aria-busy', String(now.phase === 'joining'));
  button.disabled = now.phase === 'joining';
  const refusal = required('refusal', HTMLElement);
  if (refusal.textContent !== now.refusal) refusal.textContent = now.refusal;
  refusal.hidden = !now.refusal;
}

/**
 * Moves the bar with the voice, a dozen times a second while the preview is seen.
 * @param {RoomStore} store
 */
function measureLevel(store) {
  const bar = required('level-bar', HTMLElement);
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;
  return (/** @type {boolean} */ here) => {
    if (here && timer === undefined) {
      timer = setInterval(() => {
        const loudness = store.get().preview.level?.() ?? 0;
        bar.style.setProperty('--level', String(Math.min(1, loudness * 1.6)));
      }, 80);
    }
    if (here) return;
    clearInterval(timer);
    timer = undefined;
  };
}
