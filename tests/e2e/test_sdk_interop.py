"""The Python LiveKit SDK and a browser in one meeting: each decodes the other's picture and sound."""

import asyncio
import math
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from livekit import rtc
from playwright.sync_api import Playwright

from tests.e2e import browser
from tests.e2e.portal import Portal
from tests.e2e.speech import speech_file
from tests.e2e.test_first_call import wait_until

pytestmark = [pytest.mark.media, pytest.mark.browser]

WIDTH, HEIGHT = 320, 180


@dataclass
class Received:
    """What the SDK decoded: frames of video, and the loudest 10 ms of sound (16 bit)."""

    frames: int = 0
    loudest: int = 0
    sources: set[str] = field(default_factory=set)


class SdkParticipant:
    """A LiveKit SDK client on an event loop of its own, so that the browser can be driven meanwhile."""

    def __init__(self) -> None:
        self.received = Received()
        self._tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def connected(self, url: str, token: str) -> AsyncIterator[rtc.Room]:
        room = rtc.Room()
        room.on("track_subscribed", self._subscribed)
        await room.connect(url, token)
        try:
            await self._publish(room)
            yield room
        finally:
            for task in self._tasks:
                task.cancel()
            for task in self._tasks:
                with suppress(asyncio.CancelledError):
                    await task
            await room.disconnect()

    def _subscribed(self, track: rtc.Track, publication: Any, participant: rtc.RemoteParticipant) -> None:
        self.received.sources.add(participant.name)
        reading = self._frames(track) if track.kind == rtc.TrackKind.KIND_VIDEO else self._sound(track)
        self._tasks.append(asyncio.create_task(reading))

    async def _frames(self, track: rtc.Track) -> None:
        async for _ in rtc.VideoStream(track):
            self.received.frames += 1

    async def _sound(self, track: rtc.Track) -> None:
        async for event in rtc.AudioStream(track):
            samples = struct.unpack(f"{len(event.frame.data)}h", event.frame.data)
            self.received.loudest = max(self.received.loudest, *map(abs, samples))

    async def _publish(self, room: rtc.Room) -> None:
        video, sound = rtc.VideoSource(WIDTH, HEIGHT), rtc.AudioSource(48_000, 1)
        camera = rtc.LocalVideoTrack.create_video_track("camera", video)
        microphone = rtc.LocalAudioTrack.create_audio_track("microphone", sound)
        await room.local_participant.publish_track(
            camera, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False)
        )
        await room.local_participant.publish_track(
            microphone, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        )
        self._tasks += [asyncio.create_task(_gradient(video)), asyncio.create_task(_tone(sound))]


async def _gradient(source: rtc.VideoSource) -> None:
    """A slowly changing plain picture: cheap to encode."""
    shade = 0
    while True:
        shade = (shade + 3) % 256
        pixels = bytes((shade, 90, 160, 255)) * (WIDTH * HEIGHT)
        source.capture_frame(rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, pixels))
        await asyncio.sleep(1 / 15)


async def _tone(source: rtc.AudioSource) -> None:
    at = 0
    while True:
        samples = [int(9000 * math.sin(2 * math.pi * 440 * (at + n) / 48_000)) for n in range(480)]
        at += 480
        await source.capture_frame(rtc.AudioFrame(struct.pack("480h", *samples), 48_000, 1, 480))


def test_the_sdk_and_a_browser_decode_each_other(
    portal: Portal, playwright: Playwright, tmp_path: Path
) -> None:
    staff = portal.command("demo")["ministries"][1]["staff"]
    host = staff[0]["email"]
    made = portal.command("meeting_create", "--ministry", "climate", "--host", host, "--title", "Interop")
    voice = tmp_path / "voice.wav"
    speech_file(["one two three four five six seven eight nine ten"] * 8, "slt", voice, lead=0.5)
    sdk = SdkParticipant()
    with browser.chromium(playwright, tmp_path / "profile", voice=voice) as opened:
        page, wrong = browser.open_page(opened)
        browser.sign_in(page, portal.url, staff[0])
        page.goto(f"{portal.url}/{made['code']}/")
        page.wait_for_selector("[data-testid=join]:visible")
        browser.join(page)
        token = portal.command("join_token", made["code"], "--guest", "Gaston")
        loop = _LoopThread()
        try:
            loop.start_participant(sdk, token)
            wait_until(lambda: sdk.received.frames > 20, 40, "the SDK decodes the browser's video")
            wait_until(lambda: sdk.received.loudest > 1000, 40, "the SDK decodes the browser's sound")
            page.wait_for_selector("[data-testid=tile] >> text=Gaston")
            wait_until(lambda: browser.video_frames(page) > 20, 40, "the browser decodes the SDK's video")
            wait_until(lambda: browser.heard_energy(page) > 0.01, 40, "the browser decodes the SDK's sound")
        finally:
            loop.stop()
        assert sdk.received.sources == {staff[0]["name"]}
        assert not wrong


class _LoopThread:
    """Runs one SDK participant until stopped; playwright's synchronous interface keeps this thread's loop."""

    def __init__(self) -> None:
        import threading

        self._loop = asyncio.new_event_loop()
        self._done = asyncio.Event()
        self._threading = threading

    def start_participant(self, sdk: SdkParticipant, token: dict[str, str]) -> None:
        async def stay() -> None:
            async with sdk.connected(token["url"], token["token"]):
                await self._done.wait()

        def run() -> None:
            self._loop.run_until_complete(stay())
            self._loop.close()

        self._thread = self._threading.Thread(target=run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(20)
