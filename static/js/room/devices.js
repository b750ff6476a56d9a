/** Cameras and microphones before the call: opened, switched, closed; what is wrong with them goes into the state. */

import { cameraOptions, microphoneOptions } from './capture.js';
import { createAudioAnalyser, createLocalAudioTrack, createLocalVideoTrack, MediaDeviceFailure, Room, TrackEvent } from './livekit.js';
import { remember } from './memory.js';

/** @typedef {import('./state.js').RoomStore} RoomStore */
/** @typedef {import('./state.js').Source} Source */
/** @typedef {import('./state.js').DeviceProblem} DeviceProblem */

/** @type {Record<Source, MediaDeviceKind>} */
const KIND = { microphone: 'audioinput', camera: 'videoinput' };

/**
 * @param {unknown} error what getUserMedia threw
 * @returns {DeviceProblem}
 */
export function problemOf(error) {
  if (!navigator.mediaDevices?.getUserMedia) return 'insecure';
  const failure = MediaDeviceFailure.getFailure(error);
  if (failure === MediaDeviceFailure.PermissionDenied) return 'denied';
  if (failure === MediaDeviceFailure.NotFound) return 'missing';
  return failure === MediaDeviceFailure.DeviceInUse ? 'busy' : 'other';
}

/** @param {RoomStore} store */
export function createDevices(store) {
  /** Openings and closings one after the other, or a quick double click leaves a camera on for good. */
  let queue = Promise.resolve();
  let silence = () => {};

  /** @param {() => Promise<void>} step */
  const inTurn = (step) => (queue = queue.then(step));

  const close = {
    camera: () => {
      store.get().preview.camera?.stop();
      store.update({ preview: { ...store.get().preview, camera: null } });
    },
    microphone: () => {
      silence();
      silence = () => {};
      store.get().preview.microphone?.stop();
      store.update({ preview: { ...store.get().preview, microphone: null, level: null } });
    },
  };

  const open = {
    camera: async () => {
      const camera = await createLocalVideoTrack(cameraOptions(store.get().chosen));
      camera.on(TrackEvent.Ended, () => fail('camera', 'missing'));
      store.update({ preview: { ...store.get().preview, camera } });
    },
    microphone: async () => {
      const microphone = await createLocalAudioTrack(microphoneOptions(store.get().chosen));
      microphone.on(TrackEvent.Ended, () => fail('microphone', 'missing'));
      const { calculateVolume, cleanup } = createAudioAnalyser(microphone, { cloneTrack: true });
      silence = () => void cleanup();
      store.update({ preview: { ...store.get().preview, microphone, level: calculateVolume } });
    },
  };

  /**
   * @param {Source} source
   * @param {DeviceProblem} problem
   */
  function fail(source, problem) {
    close[source]();
    const { problems, wanted } = store.get();
    store.update({ problems: { ...problems, [source]: problem }, wanted: { ...wanted, [source]: false } });
  }

  /** @param {Source} source */
  const reopen = async (source) => {
    close[source]();
    store.update({ problems: { ...store.get().problems, [source]: null } });
    if (!store.get().wanted[source]) return;
    await open[source]().catch((error) => fail(source, problemOf(error)));
  };

  const list = async () => {
    const devices = await Room.getLocalDevices(undefined, false).catch(() => []);
    store.update({ devices: devices.filter((device) => device.deviceId) });
  };

  navigator.mediaDevices?.addEventListener('devicechange', list);

  return {
    /** Opens what is wanted and not open yet, and lists what there is. */
    prepare() {
      return inTurn(async () => {
        const { preview } = store.get();
        if (!preview.microphone) await reopen('microphone');
        if (!preview.camera) await reopen('camera');
        await list();
      });
    },
    /**
     * @param {Source} source
     * @param {boolean} on
     */
    turn(source, on) {
      store.update({ wanted: { ...store.get().wanted, [source]: on } });
      return inTurn(async () => {
        await reopen(source);
        await list();
      });
    },
    /**
     * Keeps a choice and, before the call, changes over to the device.
     * @param {MediaDeviceKind} kind
     * @param {string} id
     */
    choose(kind, id) {
      store.update({ chosen: { ...store.get().chosen, [kind]: id } });
      remember(localStorage, store.get().chosen);
      const source = /** @type {Source[]} */ (['microphone', 'camera']).find((one) => KIND[one] === kind);
      if (source && store.get().phase === 'preparing') return inTurn(() => reopen(source));
      return queue;
    },
    /** Waits for what is under way and hands the open tracks over; they are the caller's to stop from now on. */
    async take() {
      await queue;
      silence();
      silence = () => {};
      const { camera, microphone } = store.get().preview;
      camera?.removeAllListeners(TrackEvent.Ended);
      microphone?.removeAllListeners(TrackEvent.Ended);
      store.update({ preview: { camera: null, microphone: null, level: null } });
      return { camera, microphone };
    },
    list,
  };
}

/** @typedef {ReturnType<typeof createDevices>} Devices */
