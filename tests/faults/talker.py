"""Somebody who talks in a meeting until killed: ``python -m tests.faults.talker URL TOKEN WAVE-FILE``."""

import asyncio
import sys
import wave

from livekit import rtc

RATE, FRAME = 48_000, 480


async def main(url: str, token: str, path: str) -> None:
    with wave.open(path) as file:
        assert file.getframerate() == RATE
        sound = file.readframes(file.getnframes())
    room = rtc.Room()
    await room.connect(url, token)
    source = rtc.AudioSource(RATE, 1)
    track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(track, options)
    print("talking", flush=True)
    while True:
        for at in range(0, len(sound) - 2 * FRAME, 2 * FRAME):
            await source.capture_frame(rtc.AudioFrame(sound[at : at + 2 * FRAME], RATE, 1, FRAME))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
