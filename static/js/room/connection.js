/** The call itself: joining, leaving, switching camera, microphone and screen. Network only. */

import { roomOptions } from './capture.js';
import { problemOf } from './devices.js';
import { Room } from './livekit.js';
import { follow } from './room_events.js';
import { roster } from './roster.js';

/** @typedef {import('./state.js').RoomStore} RoomStore */
/** @typedef {import('./state.js').Source} Source */
/** @typedef {import('./state.js').Preview} Preview */

/**
 * @param {RoomStore} store
 * @param {Parameters<typeof follow>[2]} duties
 */
export function createConnection(store, duties) {
  /** @type {Room | null} */
  let room = null;
  const refresh = () => room && store.update({ people: roster(room, new Map()) });

  /**
   * @param {Source} source
   * @param {() => Promise<unknown>} change
   */
  const switching = async (source, change) => {
    if (store.get().busy[source]) return;
    store.update({ busy: { ...store.get().busy, [source]: true }, problems: { ...store.get().problems, [source]: null } });
    try {
      await change();
    } catch (error) {
      store.update({ problems: { ...store.get().problems, [source]: problemOf(error) } });
    }
    store.update({ busy: { ...store.get().busy, [source]: false } });
    refresh();
  };

  /**
   * @param {Source} source
   * @param {boolean} on
   */
  const turn = async (source, on) => {
    const local = room?.localParticipant;
    if (!local) return;
    store.update({ wanted: { ...store.get().wanted, [source]: on } });
    await switching(source, () => (source === 'camera' ? local.setCameraEnabled(on) : local.setMicrophoneEnabled(on)));
  };

  return {
    /**
     * Joins. Throws livekit-client's ConnectionError when no connection comes about.
     * @param {string} url of the media server
     * @param {string} token
     */
    async join(url, token) {
      const joining = new Room(roomOptions(store.get().chosen));
      follow(joining, store, duties);
      room = joining;
      await joining.connect(url, token);
      store.update({ people: roster(joining, new Map()), soundBlocked: !joining.canPlaybackAudio });
      return { recording: joining.isRecording };
    },

    /**
     * Publishes what the preview had open, or opens what is wanted.
     * @param {Pick<Preview, Source>} tracks
     */
    async publish(tracks) {
      const local = room?.localParticipant;
      for (const source of /** @type {Source[]} */ (['microphone', 'camera'])) {
        const track = tracks[source];
        if (track && local) await switching(source, () => local.publishTrack(track));
        else if (store.get().wanted[source]) await turn(source, true);
      }
    },

    turn,

    /** Shares a screen or stops sharing. Throws what the browser's picker threw. @param {boolean} on */
    async share(on) {
      await room?.localParticipant.setScreenShareEnabled(on, { audio: true, selfBrowserSurface: 'exclude' });
      refresh();
    },

    /**
     * @param {MediaDeviceKind} kind
     * @param {string} id
     */
    async change(kind, id) {
      await room?.switchActiveDevice(kind, id, false);
    },

    /** To be called from a click: the browser then plays what it had held back. */
    async playSound() {
      await room?.startAudio();
    },

    async leave() {
      await room?.disconnect();
      room = null;
    },
  };
}

/** @typedef {ReturnType<typeof createConnection>} Connection */
