// A browser's end of the conformance run: people in rooms, told what to do by the test, asked what they saw.
import * as lk from '/lib/livekit-client.esm.mjs';
import {film, hum} from '/sources.mjs';

const SOURCES = {camera: lk.Track.Source.Camera, microphone: lk.Track.Source.Microphone};
const people = new Map();

class Person {
  constructor(options) {
    const {encrypted, ...rest} = options;
    this.keys = encrypted ? new lk.ExternalE2EEKeyProvider() : null;
    this.secret = encrypted;
    if (this.keys) {
      const worker = new Worker('/lib/livekit-client.e2ee.worker.mjs', {type: 'module'});
      rest.encryption = {keyProvider: this.keys, worker};
    }
    this.room = new lk.Room(rest);
    this.events = [];
    this.data = [];
    this.texts = [];
    this.sources = [];
    this.refused = [];
    this.spoke = new Set();
    this.listen();
  }

  listen() {
    for (const name of Object.values(lk.RoomEvent)) {
      this.room.on(name, (...given) => this.events.push([name, String(given.find((each) =>
        ['string', 'number', 'boolean'].includes(typeof each)) ?? '')]));
    }
    this.room.on('trackSubscribed', (track) => {
      const element = track.attach();
      element.muted = element.localName === 'video';
      element.style.cssText = 'width: 64px; height: 36px';
      document.body.append(element);
    });
    this.room.on('trackUnsubscribed', (track) => track.detach().forEach((element) => element.remove()));
    this.room.on('activeSpeakersChanged', (found) => found.forEach((person) => this.spoke.add(person.identity)));
    this.room.on('trackSubscriptionFailed', (sid, who, reason) => this.refused.push([sid, String(reason)]));
    this.room.on('dataReceived', (bytes, who, kind, topic) =>
      this.data.push([new TextDecoder().decode(bytes), topic ?? '', who?.identity ?? '']));
    this.room.registerTextStreamHandler('lk.chat', async (reader, {identity}) =>
      this.texts.push([await reader.readAll(), identity]));
  }

  async join({url, token, ...options}) {
    if (this.keys) await this.keys.setKey(this.secret);
    await this.room.connect(url, token, options);
    if (this.keys) await this.room.setE2EEEnabled(true);
  }

  async leave() {
    await this.room.disconnect();
    this.sources.forEach((source) => source.stop());
  }

  async publishCamera({width, height, fps, layers}) {
    const source = film(width, height, fps);
    this.sources.push(source);
    const presets = layers.map(([w, h, bitrate]) => new lk.VideoPreset(w, h, bitrate, fps));
    const published = await this.room.localParticipant.publishTrack(source.track, {
      source: SOURCES.camera, name: 'camera', videoCodec: 'vp8', backupCodec: false, simulcast: layers.length > 0,
      videoSimulcastLayers: presets,
      degradationPreference: 'maintain-resolution', // a busy machine sends fewer pictures, not fewer layers
      videoEncoding: {maxBitrate: 300_000, maxFramerate: fps},
    });
    return published.trackSid;
  }

  async publishMicrophone() {
    const source = await hum();
    this.sources.push(source);
    const published = await this.room.localParticipant.publishTrack(source.track,
      {source: SOURCES.microphone, name: 'microphone', dtx: false, red: false});
    return published.trackSid;
  }

  async unpublish({sid}) { await this.room.localParticipant.unpublishTrack(this.mine(sid).track); }
  async mute({sid, muted}) { await (muted ? this.mine(sid).track.mute() : this.mine(sid).track.unmute()); }
  hush({sid, quiet}) { this.mine(sid).track.mediaStreamTrack.enabled = !quiet; }
  subscribe({sid, wanted}) { this.theirs(sid).setSubscribed(wanted); }
  quality({sid, quality}) { this.theirs(sid).setVideoQuality(quality); }
  size({sid, width, height}) { this.theirs(sid).setVideoDimensions({width, height}); }
  element({sid, width, height, shown}) {
    for (const element of this.theirs(sid).track.attachedElements) {
      element.style.cssText = `width: ${width}px; height: ${height}px; display: ${shown ? 'inline' : 'none'}`;
    }
  }

  async describe({name, metadata, attributes}) {
    const me = this.room.localParticipant;
    if (name) await me.setName(name);
    if (metadata) await me.setMetadata(metadata);
    if (attributes) await me.setAttributes(attributes);
  }

  permit({identities}) {
    const allowed = identities.map((identity) => ({participantIdentity: identity, allowAll: true}));
    this.room.localParticipant.setTrackSubscriptionPermissions(identities.includes('*'), allowed);
  }

  features({sid, features}) { return this.room.engine.client.sendUpdateLocalAudioTrack(sid, features); }
  publishData({text, reliable, topic}) {
    return this.room.localParticipant.publishData(new TextEncoder().encode(text), {reliable, topic});
  }
  sendText({text}) { return this.room.localParticipant.sendText(text, {topic: 'lk.chat'}); }

  mine(sid) { return this.room.localParticipant.trackPublications.get(sid); }
  theirs(sid) {
    for (const person of this.room.remoteParticipants.values()) {
      if (person.trackPublications.has(sid)) return person.trackPublications.get(sid);
    }
    throw new Error(`no track ${sid}`);
  }

  seen() {
    const {room} = this;
    const me = room.localParticipant;
    return {
      state: room.state, sid: me.sid, token: room.engine?.token ?? '', recording: room.isRecording, metadata: room.metadata ?? '',
      mayPublish: me.permissions?.canPublish ?? true, spoke: [...this.spoke],
      speaking: room.activeSpeakers.map((person) => person.identity),
      me: describe(me),
      people: Object.fromEntries([...room.remoteParticipants.values()].map((who) => [who.identity, describe(who)])),
      events: this.events, data: this.data, texts: this.texts, refused: this.refused,
    };
  }

  /** The pair of candidates in use, and by which protocol this end reaches a TURN server. */
  async path() {
    const rows = await this.room.engine.pcManager.publisher.getStats();
    const transport = [...rows.values()].find((row) => row.type === 'transport');
    const pairs = [...rows.values()].filter((row) => row.type === 'candidate-pair' && row.nominated && row.state === 'succeeded');
    const used = rows.get(transport?.selectedCandidatePairId) ?? pairs.sort((a, b) => b.bytesSent - a.bytesSent)[0];
    if (!used) return null;
    const [local, remote] = [rows.get(used.localCandidateId), rows.get(used.remoteCandidateId)];
    return {
      type: local.candidateType, protocol: local.protocol, relayProtocol: local.relayProtocol ?? '',
      url: local.url ?? '', address: remote.address, port: remote.port, remoteProtocol: remote.protocol,
    };
  }

  async received() {
    const found = {};
    for (const person of this.room.remoteParticipants.values()) {
      for (const publication of person.trackPublications.values()) {
        const report = await publication.track?.receiver?.getStats();
        if (report) found[publication.trackSid] = received(report, publication.track);
      }
    }
    return found;
  }
}

function describe(person) {
  return {
    sid: person.sid, name: person.name ?? '', metadata: person.metadata ?? '', attributes: person.attributes,
    quality: person.connectionQuality,
    tracks: Object.fromEntries([...person.trackPublications.values()].map((each) => [each.trackSid, {
      source: each.source, muted: each.isMuted, subscribed: Boolean(each.isSubscribed),
      allowed: each.permissionStatus !== 'not_allowed', paused: each.track?.streamState === 'paused',
      encrypted: each.isEncrypted, width: each.dimensions?.width ?? 0,
      features: [...each.trackInfo?.audioFeatures ?? []],
    }])),
  };
}

function received(report, track) {
  const rows = [...report.values()];
  const mine = rows.find((row) => row.type === 'inbound-rtp') ?? {};
  const theirs = rows.find((row) => row.type === 'remote-outbound-rtp') ?? {};
  const [element] = track.attachedElements;
  return {
    ssrc: mine.ssrc ?? 0, frames: mine.framesDecoded ?? 0, keyframes: mine.keyFramesDecoded ?? 0,
    packets: mine.packetsReceived ?? 0, lost: mine.packetsLost ?? 0, dropped: mine.framesDropped ?? 0,
    width: element?.videoWidth ?? 0, energy: mine.totalAudioEnergy ?? 0,
    reported: theirs.packetsSent ?? 0, reportedAt: theirs.remoteTimestamp ?? 0,
  };
}

/** The one door: `{who, does, with}` in JSON, the result in JSON. */
window.act = async (text) => {
  const {who, does, with: given} = JSON.parse(text);
  if (does === 'enter') people.set(who, new Person(given));
  else if (does === 'forget') people.delete(who);
  else return JSON.stringify(await people.get(who)[does](given) ?? null);
  return 'null';
};
window.version = async () => lk.version;
