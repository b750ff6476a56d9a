/** What the room page knows, and how it changes. Pure. */

/** @typedef {import('./livekit.js').Track} Track */
/** @typedef {import('./livekit.js').LocalVideoTrack} LocalVideoTrack */
/** @typedef {import('./livekit.js').LocalAudioTrack} LocalAudioTrack */
/** @typedef {import('./config.js').Config} Config */
/** @typedef {import('./chat.js').Message} Message */
/** @typedef {import('./endings.js').Ending} Ending */

/** @typedef {'preparing' | 'joining' | 'joined' | 'reconnecting' | 'ended'} Phase */
/** @typedef {'microphone' | 'camera'} Source */
/** @typedef {'denied' | 'missing' | 'busy' | 'insecure' | 'other'} DeviceProblem */
/** @typedef {'excellent' | 'good' | 'poor' | 'lost' | 'unknown'} Quality */

/**
 * One participant. Tracks are null while muted, absent or not yet subscribed.
 * @typedef {Object} Person
 * @property {string} identity
 * @property {string} name
 * @property {boolean} local
 * @property {boolean} microphone whether they can be heard
 * @property {boolean} speaking
 * @property {Quality} quality
 * @property {Track | null} camera
 * @property {Track | null} screen
 * @property {readonly Track[]} sounds remote sound to be played: voice and shared sound
 * @property {number} joinedAt milliseconds
 * @property {number} spokeAt milliseconds; 0 when never
 */

/**
 * Camera and microphone before the call.
 * @typedef {Object} Preview
 * @property {LocalVideoTrack | null} camera
 * @property {LocalAudioTrack | null} microphone
 * @property {(() => number) | null} level loudness from 0 to 1, measured when called
 */

/** @typedef {{id: number, text: string, error: boolean}} Notice */
/** @typedef {'chat' | 'people' | 'quality'} Panel */

/**
 * @typedef {Object} Measured
 * @property {'waiting' | 'known' | 'none' | 'failed'} state
 * @property {ReadonlyMap<string, import('./figures.js').Figures>} people by identity; only those that one may see
 * @property {string} fault why it failed, as a sentence
 */

/**
 * @typedef {Object} State
 * @property {Phase} phase
 * @property {Ending | null} ending
 * @property {string} refusal why the last attempt to join was refused; empty when it was not
 * @property {string} name the name to join with
 * @property {Record<Source, boolean>} wanted whether the person wants to be seen and heard
 * @property {Record<Source, DeviceProblem | null>} problems
 * @property {Record<Source, boolean>} busy a switch is under way
 * @property {Preview} preview
 * @property {readonly MediaDeviceInfo[]} devices
 * @property {Partial<Record<MediaDeviceKind, string>>} chosen
 * @property {readonly Person[]} people
 * @property {readonly Message[]} chat
 * @property {number} unread
 * @property {Panel | null} panel
 * @property {Measured} measured how well people are connected, while somebody looks
 * @property {boolean} recording
 * @property {'start' | 'stop' | null} recordingRequest what we asked for and wait to see
 * @property {'none' | 'asked' | 'agreed'} consent
 * @property {boolean} soundBlocked the browser wants a click before it plays sound
 * @property {readonly Notice[]} notices
 * @property {number} dropped data packets that were not what they claimed to be
 */

/** @typedef {import('./store.js').Store<State>} RoomStore */

/**
 * @param {Config} config
 * @param {State['chosen']} chosen
 * @returns {State}
 */
export function initialState(config, chosen) {
  return {
    phase: 'preparing',
    ending: null,
    refusal: '',
    name: config.name,
    wanted: { microphone: true, camera: true },
    problems: { microphone: null, camera: null },
    busy: { microphone: false, camera: false },
    preview: { camera: null, microphone: null, level: null },
    devices: [],
    chosen,
    people: [],
    chat: [],
    unread: 0,
    panel: null,
    measured: { state: 'waiting', people: new Map(), fault: '' },
    recording: config.recordingRunning,
    recordingRequest: null,
    consent: 'none',
    soundBlocked: false,
    notices: [],
    dropped: 0,
  };
}

/** @param {Pick<State, 'phase'>} state */
export function inCall(state) {
  return state.phase === 'joined' || state.phase === 'reconnecting';
}

/** @param {Pick<State, 'people'>} state */
export function me(state) {
  return state.people.find((person) => person.local) ?? null;
}

let lastNotice = 0;

/**
 * @param {Pick<State, 'notices'>} state
 * @param {string} text
 * @param {boolean} [error] errors stay until dismissed
 */
export function withNotice(state, text, error = false) {
  lastNotice += 1;
  return { notices: [...state.notices, { id: lastNotice, text, error }].slice(-4) };
}

/**
 * What the media server's word on the recording changes. The person who started it agrees by starting;
 * everyone else is asked once per recording.
 * @param {Pick<State, 'recording' | 'recordingRequest' | 'consent'>} state
 * @param {boolean} running
 * @returns {Pick<State, 'recording' | 'recordingRequest' | 'consent'>}
 */
export function withRecording(state, running) {
  if (!running) {
    const request = state.recordingRequest === 'start' ? 'start' : null;
    return { recording: false, recordingRequest: request, consent: 'none' };
  }
  const own = state.recordingRequest === 'start';
  const request = state.recordingRequest === 'stop' ? 'stop' : null;
  return { recording: true, recordingRequest: request, consent: own || state.consent === 'agreed' ? 'agreed' : 'asked' };
}

/**
 * Who came and who went between two states of one call.
 * @param {readonly Person[]} before
 * @param {readonly Person[]} now
 */
export function comings(before, now) {
  const [then, present] = [new Set(before.map(identityOf)), new Set(now.map(identityOf))];
  return {
    came: now.filter((person) => !person.local && !then.has(person.identity)).map((person) => person.name),
    went: before.filter((person) => !person.local && !present.has(person.identity)).map((person) => person.name),
  };
}

/** @param {Person} person */
function identityOf(person) {
  return person.identity;
}
