"""Eleven microphones of one room, of which eight are forwarded: the same choice on each data plane."""

import asyncio
from collections import Counter

import pytest

from meetings.relay.interface import RtpHeader
from meetings.relay.plane import DataPlane, StreamSettings, SubscriptionSettings
from tests.meetings.relay.packets import rtp

from .client import Client
from .test_forwarding import until

LEVEL = 1
ROOM = 4
SCREEN = 99
QUIET = 80
MICROPHONES = range(1, 12)


class Ear:
    """A recorder: hears everybody."""

    def __init__(self) -> None:
        self.heard = 0

    def packet(self, ssrc: int, header: RtpHeader, packet: bytes, now: float) -> None:
        self.heard += 1


class Room:
    """Microphone N has SSRC and track N, and reaches the listener as SSRC 100 + N; sound of a screen marks
    the end of what was sent before it."""

    def __init__(self, plane: DataPlane, clients: tuple[Client, Client]) -> None:
        self.plane = plane
        self.talkers, self.listener = clients
        self._sequences: Counter[int] = Counter()
        for ssrc in (*MICROPHONES, SCREEN):
            voices = 0 if ssrc == SCREEN else ROOM
            plane.add_stream(
                StreamSettings(1, ssrc, ssrc, 0, "OPUS", 111, 48_000, level_extension=LEVEL, voices=voices)
            )
            plane.subscribe(SubscriptionSettings(ssrc, 2, ssrc, 100 + ssrc, 111, 48_000))
            plane.steer(ssrc, ssrc)

    async def say(self, *words: tuple[int, int | None]) -> list[int]:
        """Packets as (microphone, level); whose were forwarded, sorted."""
        for ssrc, level in words:
            self._send(ssrc, level)
        heard: list[int] = []
        # A plane may sort what it has read at once: only what is sent after an answer comes after it.
        for _ in range(2):
            self._send(SCREEN, None)
            while (ssrc := (await self.listener.rtp())[0].ssrc - 100) != SCREEN:
                heard.append(ssrc)
        return sorted(heard)

    def _send(self, ssrc: int, level: int | None) -> None:
        self._sequences[ssrc] += 1
        number = self._sequences[ssrc]
        extensions = () if level is None else ((LEVEL, bytes((level,))),)
        self.talkers.media(rtp(ssrc, number, number * 960, b"sound", 111, extensions))


@pytest.fixture
async def room(plane: DataPlane, clients: tuple[Client, Client]) -> Room:
    room = Room(plane, clients)
    await asyncio.sleep(0.05)
    return room


async def test_of_eleven_the_eight_who_speak_are_forwarded_from_their_first_packet_on(room: Room) -> None:
    assert await room.say(*((number, QUIET) for number in MICROPHONES)) == []
    assert await room.say((11, 50), (11, 49)) == [11]
    room.plane.mute(11, True)  # frees the place
    await asyncio.sleep(0.02)
    speaking = [(number, 30) for number in range(1, 9)]
    assert await room.say(*speaking, *speaking) == sorted(2 * list(range(1, 9)))
    assert await room.say((9, 28), (10, QUIET)) == []


async def test_who_pauses_gives_way_to_who_begins_and_no_word_is_cut(room: Room) -> None:
    assert await room.say(*((number, 30) for number in range(1, 9))) == list(range(1, 9))
    await asyncio.sleep(0.25)
    rest = [(number, 30) for number in range(2, 9)]
    assert await room.say(*rest, (1, QUIET)) == list(range(1, 9))
    assert await room.say(*rest, (9, 40), (1, QUIET)) == list(range(2, 10))


async def test_a_microphone_that_tells_no_level_is_always_forwarded(room: Room) -> None:
    assert await room.say(*((number, 30) for number in range(1, 9))) == list(range(1, 9))
    assert await room.say((9, None), (9, None), (8, 30), (10, 30)) == [8, 9, 9]


async def test_a_recorder_hears_those_who_are_not_forwarded(room: Room) -> None:
    ear = Ear()
    room.plane.tap(11, ear)
    assert await room.say(*((number, 30) for number in range(1, 9)), (11, QUIET)) == list(range(1, 9))
    await until(lambda: ear.heard == 1)
    await until(lambda: (report := room.plane.stream_report(1, 11)) and not report.audible)
    assert room.plane.stream_report(1, 1).audible
