/** What livekit-client tells us, written into the state. */

import { messageFromBytes, merged } from './chat.js';
import { problemOf } from './devices.js';
import { endingOf } from './endings.js';
import { gettext } from './i18n.js';
import { RoomEvent } from './livekit.js';
import { roster } from './roster.js';
import { inCall, withNotice } from './state.js';

/** @typedef {import('./livekit.js').Room} Room */
/** @typedef {import('./state.js').RoomStore} RoomStore */

/**
 * What is done at an event beyond the state; `topics` are the portal's own, on which nobody else may speak.
 * @typedef {object} Duties
 * @property {{chat: string, recording: string}} topics
 * @property {(running: boolean) => void} recordingChanged
 * @property {() => void} recordingCutShort
 */

/** Everything after which a tile, a name or a mark may look different. */
const SEEN = [
  RoomEvent.ParticipantConnected,
  RoomEvent.ParticipantDisconnected,
  RoomEvent.ParticipantNameChanged,
  RoomEvent.TrackSubscribed,
  RoomEvent.TrackUnsubscribed,
  RoomEvent.TrackMuted,
  RoomEvent.TrackUnmuted,
  RoomEvent.LocalTrackPublished,
  RoomEvent.LocalTrackUnpublished,
  RoomEvent.ConnectionQualityChanged,
];

/**
 * @param {Room} room
 * @param {RoomStore} store
 * @param {Duties} duties
 */
export function follow(room, store, { topics, recordingChanged, recordingCutShort }) {
  /** @type {Map<string, number>} */
  const spokeAt = new Map();
  const refresh = () => store.update({ people: roster(room, spokeAt) });
  for (const event of SEEN) room.on(event, refresh);

  room.on(RoomEvent.ActiveSpeakersChanged, (speakers) => {
    for (const speaker of speakers) spokeAt.set(speaker.identity, Date.now());
    refresh();
  });
  room.on(RoomEvent.RecordingStatusChanged, recordingChanged);
  room.on(RoomEvent.AudioPlaybackStatusChanged, () => store.update({ soundBlocked: !room.canPlaybackAudio }));
  room.on(RoomEvent.MediaDevicesError, (error, kind) => {
    const source = kind === 'videoinput' ? 'camera' : 'microphone';
    store.update({ problems: { ...store.get().problems, [source]: problemOf(error) } });
  });
  room.on(RoomEvent.DataReceived, (bytes, participant, _kind, topic, _encryption, identity) => {
    // The portal speaks for itself, without an identity; a participant on its topics is an impostor.
    const genuine = !participant && !identity;
    if (topic === topics.chat) receive(store, genuine ? messageFromBytes(bytes) : null);
    if (topic === topics.recording && genuine) recordingCutShort();
  });
  followConnection(room, store, refresh);
}

/**
 * @param {Room} room
 * @param {RoomStore} store
 * @param {() => void} refresh
 */
function followConnection(room, store, refresh) {
  const reconnecting = () => store.get().phase === 'joined' && store.update({ phase: 'reconnecting' });
  room.on(RoomEvent.Reconnecting, reconnecting);
  room.on(RoomEvent.SignalReconnecting, reconnecting);
  room.on(RoomEvent.Reconnected, () => {
    store.update({ phase: 'joined', ...withNotice(store.get(), gettext('You are connected again.')) });
    refresh();
  });
  room.on(RoomEvent.Disconnected, (reason) => {
    // While joining, `connect` itself throws and knows more.
    if (!inCall(store.get())) return;
    store.update({ phase: 'ended', ending: endingOf(reason), people: [], panel: null });
  });
}

/**
 * @param {RoomStore} store
 * @param {import('./chat.js').Message | null} message
 */
export function receive(store, message) {
  const { chat, unread, panel, dropped } = store.get();
  if (!message) {
    store.update({ dropped: dropped + 1 });
    return;
  }
  const all = merged(chat, [message]);
  if (all !== chat) store.update({ chat: all, unread: panel === 'chat' ? 0 : unread + 1 });
}
