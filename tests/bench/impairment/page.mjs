// One end of a call over a bad path: publishes camera and microphone, or watches, by LiveKit's client or by
// Janus's HTTP API (https://janus.conf.meetecho.com/docs/rest.html), and takes samples of what arrives.
import * as lk from '/lib/livekit-client.esm.mjs';

const EVERY = 250;  // ms
const VIDEO = {width: 960, height: 540, frameRate: 15};
const AUDIO = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
const RATES = [100_000, 300_000, 1_000_000];
let paused = false;

function show(track, kind) {
  const element = document.createElement(kind);
  element.autoplay = true;
  element.muted = kind === 'video';
  element.srcObject = new MediaStream([track]);
  document.body.append(element);
  return element.play();
}

// LiveKit

async function livekitPublish({url, token}) {
  const [low, middle, full] = RATES;
  const room = new lk.Room({dynacast: true, publishDefaults: {
    simulcast: true, backupCodec: false, videoCodec: 'vp8',
    videoEncoding: {maxBitrate: full, maxFramerate: VIDEO.frameRate},
    videoSimulcastLayers: [
      new lk.VideoPreset(VIDEO.width / 4, VIDEO.height / 4 | 0, low, VIDEO.frameRate),
      new lk.VideoPreset(VIDEO.width / 2, VIDEO.height / 2, middle, VIDEO.frameRate)],
  }});
  await room.connect(url, token);
  const tracks = await lk.createLocalTracks({audio: AUDIO, video: {resolution: VIDEO}});
  for (const track of tracks) await room.localParticipant.publishTrack(track);
}

async function livekitWatch({url, token}) {
  const room = new lk.Room();
  room.on('trackSubscribed', (track) => show(track.mediaStreamTrack, track.kind));
  room.on('trackStreamStateChanged', (publication, state) => { paused = state === 'paused'; });
  await room.connect(url, token);
}

// Janus

class Handle {
  constructor(url) { this.url = url; }

  async ask(path, body) {
    const text = JSON.stringify({transaction: Math.random().toString(36), ...body});
    const answer = await (await fetch(this.url + path, {method: 'POST', body: text})).json();
    if (answer.janus === 'error') throw Error(answer.error.reason);
    return answer;
  }

  async open() {
    this.session = `/${(await this.ask('', {janus: 'create'})).data.id}`;
    const attached = await this.ask(this.session, {janus: 'attach', plugin: 'janus.plugin.videoroom'});
    this.path = `${this.session}/${attached.data.id}`;
    return this;
  }

  async say(body, jsep) {
    let told = await this.ask(this.path, {janus: 'message', body, ...(jsep && {jsep})});
    while (told.janus !== 'success' && !(told.janus === 'event' && told.plugindata)) {
      told = await (await fetch(`${this.url}${this.session}?maxev=1`)).json();
      if (Array.isArray(told)) [told] = told;
    }
    const data = told.plugindata.data;
    if (data.error) throw Error(data.error);
    return {...data, jsep: told.jsep};
  }

  // Sessions end unless somebody listens; what is told now is of no interest.
  async listen() {
    for (;;) await fetch(`${this.url}${this.session}?maxev=5`);
  }
}

async function gathered(connection) {
  while (connection.iceGatheringState !== 'complete') await new Promise((done) => setTimeout(done, 20));
  const {type, sdp} = connection.localDescription;
  return {type, sdp};
}

async function janusPublish({url, room}) {
  const handle = await new Handle(url).open();
  await handle.say({request: 'create', room, publishers: 4, bitrate: 2_000_000, videocodec: 'vp8', audiocodec: 'opus',
    opus_fec: true, transport_wide_cc_ext: true});
  await handle.say({request: 'join', ptype: 'publisher', room, id: 1});
  const media = await navigator.mediaDevices.getUserMedia({audio: AUDIO, video: VIDEO});
  const connection = new RTCPeerConnection();
  connection.addTransceiver(media.getAudioTracks()[0], {direction: 'sendonly'});
  connection.addTransceiver(media.getVideoTracks()[0], {direction: 'sendonly', sendEncodings: ['h', 'm', 'l'].map(
    (rid, at) => ({rid, maxBitrate: RATES[2 - at], scaleResolutionDownBy: 1 << at, maxFramerate: VIDEO.frameRate}))});
  await connection.setLocalDescription();
  const {jsep} = await handle.say({request: 'configure', audio: true, video: true}, await gathered(connection));
  await connection.setRemoteDescription(jsep);
  while (connection.connectionState !== 'connected') await new Promise((done) => setTimeout(done, 50));
  handle.listen();
}

async function janusWatch({url, room}) {
  const handle = await new Handle(url).open();
  const {jsep} = await handle.say({request: 'join', ptype: 'subscriber', room, streams: [{feed: 1}]});
  const connection = new RTCPeerConnection();
  connection.ontrack = ({track}) => show(track, track.kind);
  await connection.setRemoteDescription(jsep);
  await connection.setLocalDescription();
  await handle.say({request: 'start'}, await gathered(connection));
  handle.listen();
}

// Samples

async function sample() {
  const found = {at: performance.now(), paused, frames: 0, width: 0, frozen: 0, audio: 0, concealed: 0};
  for (const connection of window.connections) {
    for (const row of (await connection.getStats()).values()) {
      if (row.type !== 'inbound-rtp') continue;
      if (row.kind === 'video') {
        found.frames += row.framesDecoded ?? 0;
        found.width = Math.max(found.width, row.frameWidth ?? 0);
        found.frozen += row.totalFreezesDuration ?? 0;
      } else {
        found.audio += row.totalSamplesReceived ?? 0;
        found.concealed += (row.concealedSamples ?? 0) - (row.silentConcealedSamples ?? 0);
      }
    }
  }
  return found;
}

window.samples = [];
setInterval(async () => window.samples.push(await sample()), EVERY);
window.ends = {
  livekit: {publish: livekitPublish, watch: livekitWatch},
  janus: {publish: janusPublish, watch: janusWatch},
};
