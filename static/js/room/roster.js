/** The people in the room as the page shows them, read off livekit-client's objects. Pure. */

/** @typedef {import('./livekit.js').Room} Room */
/** @typedef {import('./livekit.js').Participant} Participant */
/** @typedef {import('./state.js').Person} Person */

/**
 * Everybody in order of arrival, oneself last.
 * @param {Pick<Room, 'localParticipant' | 'remoteParticipants'>} room
 * @param {ReadonlyMap<string, number>} spokeAt milliseconds by identity
 * @returns {Person[]}
 */
export function roster(room, spokeAt) {
  const others = [...room.remoteParticipants.values()].map((one) => personOf(one, spokeAt));
  others.sort((a, b) => a.joinedAt - b.joinedAt || a.identity.localeCompare(b.identity));
  return [...others, personOf(room.localParticipant, spokeAt)];
}

/**
 * @param {Participant} participant
 * @param {ReadonlyMap<string, number>} spokeAt
 * @returns {Person}
 */
function personOf(participant, spokeAt) {
  const local = participant.isLocal;
  const heard = participant.isMicrophoneEnabled;
  return {
    identity: participant.identity,
    name: participant.name || participant.identity,
    local,
    microphone: heard,
    speaking: participant.isSpeaking && heard,
    quality: participant.connectionQuality,
    camera: trackOf(participant, 'camera'),
    screen: trackOf(participant, 'screen_share'),
    sounds: local ? [] : ['microphone', 'screen_share_audio'].flatMap((source) => trackOf(participant, source) ?? []),
    joinedAt: participant.joinedAt?.getTime() ?? 0,
    spokeAt: spokeAt.get(participant.identity) ?? 0,
  };
}

/**
 * @param {Participant} participant
 * @param {string} source livekit-client's `Track.Source`
 */
function trackOf(participant, source) {
  for (const publication of participant.trackPublications.values()) {
    if (publication.source === source && publication.track && !publication.isMuted) return publication.track;
  }
  return null;
}
