"""People of a meeting with LiveKit's SDK: one speaks sentences over and over, the others listen."""

import asyncio
import time
import wave
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np
from livekit import rtc

RATE, FRAME = 48_000, 480
WIDTH, HEIGHT = 160, 90


class SdkPerson:
    """Notes when anything audible arrived, and when the SDK said that it was (re)connected, in Unix time."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.heard_at: list[float] = []
        self.reconnected_at: list[float] = []
        self.events: list[tuple[float, str]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.room.on("track_subscribed", self._subscribed)
        self.room.on("reconnected", lambda: self.reconnected_at.append(time.time()))
        for name in ("reconnecting", "reconnected", "disconnected"):
            self.room.on(name, lambda *args, name=name: self.events.append((time.time(), name)))

    async def join(self, admission: dict[str, str]) -> None:
        await self.room.connect(admission["url"], admission["token"])

    async def speak(self, path: Path) -> None:
        """Publishes a microphone that plays the wave file without end."""
        with wave.open(str(path)) as file:
            assert file.getframerate() == RATE
            sound = file.readframes(file.getnframes())
        source = rtc.AudioSource(RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(track, options)
        self._spawn(self._play(source, sound))

    async def film(self) -> None:
        """Publishes a camera with a small, slowly changing picture."""
        source = rtc.VideoSource(WIDTH, HEIGHT)
        track = rtc.LocalVideoTrack.create_video_track("camera", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False)
        await self.room.local_participant.publish_track(track, options)
        self._spawn(self._show(source))

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()

    def heard_after(self, moment: float) -> float | None:
        """The first audible moment from then on."""
        return next((at for at in self.heard_at if at >= moment), None)

    async def _play(self, source: rtc.AudioSource, sound: bytes) -> None:
        while True:
            for at in range(0, len(sound) - 2 * FRAME, 2 * FRAME):
                await source.capture_frame(rtc.AudioFrame(sound[at : at + 2 * FRAME], RATE, 1, FRAME))

    async def _show(self, source: rtc.VideoSource) -> None:
        shade = 0
        while True:
            shade = (shade + 3) % 256
            pixels = bytes((shade, 90, 160, 255)) * (WIDTH * HEIGHT)
            source.capture_frame(rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, pixels))
            await asyncio.sleep(0.1)

    def _subscribed(self, track: rtc.Track, *about: Any) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._spawn(self._listen(track))

    async def _listen(self, track: rtc.Track) -> None:
        async for event in rtc.AudioStream(track):
            if np.abs(np.frombuffer(event.frame.data, np.int16)).max(initial=0) > 500:
                self.heard_at.append(time.time())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(work))
