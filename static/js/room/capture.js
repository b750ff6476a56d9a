/** What we ask of cameras, microphones and livekit-client. Pure. */

import { comeback } from './comeback.js';
import { VideoPresets } from './livekit.js';

/** @typedef {import('./memory.js').Chosen} Chosen */

/** @param {string | undefined} id */
function device(id) {
  // "ideal", so that a camera left at the office does not keep anyone out.
  return id ? { deviceId: { ideal: id } } : {};
}

/** @param {Chosen} chosen */
export function cameraOptions(chosen) {
  return { ...device(chosen.videoinput), resolution: VideoPresets.h720.resolution };
}

/** @param {Chosen} chosen */
export function microphoneOptions(chosen) {
  return { ...device(chosen.audioinput), echoCancellation: true, noiseSuppression: true, autoGainControl: true };
}

/**
 * RED carries every sound twice, which hides a lost packet; a backup codec would double the upload.
 * @param {Chosen} chosen
 * @returns {import('./livekit.js').RoomOptions}
 */
export function roomOptions(chosen) {
  return {
    adaptiveStream: true,
    dynacast: true,
    singlePeerConnection: true,
    stopLocalTrackOnUnpublish: true,
    disconnectOnPageLeave: true,
    reconnectPolicy: comeback(),
    videoCaptureDefaults: cameraOptions(chosen),
    audioCaptureDefaults: microphoneOptions(chosen),
    audioOutput: chosen.audiooutput ? { deviceId: chosen.audiooutput } : {},
    publishDefaults: { simulcast: true, videoCodec: 'vp8', backupCodec: false, dtx: true, red: true },
  };
}
