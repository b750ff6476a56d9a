// A picture and a sound without camera and microphone.

/** A gradient that moves: cheap to encode, never two frames alike. */
export function film(width, height, fps) {
  const canvas = Object.assign(document.createElement('canvas'), {width, height});
  const pen = canvas.getContext('2d');
  let number = 0;
  const draw = () => {
    const shade = pen.createLinearGradient(0, 0, width, 0);
    shade.addColorStop(0, `hsl(${number * 7 % 360} 60% 40%)`);
    shade.addColorStop(1, `hsl(${(number * 7 + 120) % 360} 60% 60%)`);
    pen.fillStyle = shade;
    pen.fillRect(0, 0, width, height);
    number += 1;
  };
  draw();
  const timer = setInterval(draw, 1000 / fps);
  const [track] = canvas.captureStream(fps).getVideoTracks();
  return {track, stop: () => { clearInterval(timer); track.stop(); }};
}

/** A steady tone, as loud as somebody who speaks. */
export async function hum() {
  // Without a sound card Firefox never starts an AudioContext; its fake microphone needs none.
  return navigator.userAgent.includes('Firefox') ? fakeMicrophone() : oscillator();
}

async function fakeMicrophone() {
  const constraints = {audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false}};
  const [track] = (await navigator.mediaDevices.getUserMedia(constraints)).getAudioTracks();
  return {track, stop: () => track.stop()};
}

async function oscillator() {
  const context = new AudioContext({sampleRate: 48_000});
  const tone = new OscillatorNode(context, {frequency: 440});
  const loudness = new GainNode(context, {gain: 0.4});
  const end = context.createMediaStreamDestination();
  tone.connect(loudness).connect(end);
  tone.start();
  await context.resume();
  return {track: end.stream.getAudioTracks()[0], stop: () => { tone.stop(); void context.close(); }};
}
