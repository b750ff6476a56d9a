"""One participant's transport, with nobody at the other end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from meetings.relay.dataplane.portable import PortablePlane
from meetings.relay.ice_lite import IceLite
from meetings.relay.interface import RelayLimits, SystemClock
from meetings.relay.participant.context import Context
from meetings.relay.participant.peer import Peer, PeerEvents
from meetings.relay.sdp import MediaSection
from meetings.relay.secure import Certificate
from meetings.relay.signalling import ApiKey


class Stage:
    def __init__(self) -> None:
        self.lost: list[str] = []
        self.clock = SystemClock()
        limits = RelayLimits(handshake=0.2, dtls_rate=10.0, dtls_burst=20)
        self.plane = PortablePlane(bind="127.0.0.1", port=0, stun_received=lambda data, address, local: None)
        ice = IceLite(clock=self.clock, bind=lambda *call: True, addresses=())
        key = ApiKey("key", "s" * 32)
        self.context = Context(self.plane, ice, Certificate(), self.clock, limits, key)
        nothing = self._ignore
        self.peer = Peer(
            self.context, PeerEvents(nothing, self.lost.append, nothing, nothing, nothing, nothing), "ann"
        )

    def _ignore(self, *_: Any) -> None:
        return None

    def offer(self, *fingerprints: tuple[str, str]) -> None:
        section = MediaSection("audio", "0", "UDP/TLS/RTP/SAVPF", 9, ice_ufrag="u", fingerprints=fingerprints)
        self.peer.answer(section, [])


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    await stage.peer.close()


async def until_lost(stage: Stage) -> str:
    async with asyncio.timeout(5):
        while not stage.lost:
            await asyncio.sleep(0.01)
    return stage.lost[0]


async def test_whoever_never_checks_is_given_up(stage: Stage) -> None:
    stage.offer(("sha-256", "00"))
    assert await until_lost(stage) == "no connectivity check within the time"


async def test_whoever_never_answers_dtls_is_given_up(stage: Stage) -> None:
    stage.offer(("sha-256", "00"))
    stage.peer._nominated.set()
    assert await until_lost(stage) == "no DTLS handshake within the time"


async def test_an_offer_without_a_certificate_is_given_up(stage: Stage) -> None:
    stage.offer()
    stage.peer._nominated.set()
    assert await until_lost(stage) == "the offer names no certificate"


async def test_a_flood_of_dtls_is_dropped_and_counted(stage: Stage) -> None:
    """Each datagram of SCTP costs a quarter of a millisecond: a thousand too many stop the relay."""
    for _ in range(100):
        stage.peer.dtls_received(b"\x16flood")
    assert stage.context.counters["dtls_flood_dropped"] == 80


async def test_rtcp_that_is_none_is_dropped_and_counted(stage: Stage) -> None:
    stage.peer.rtcp_received(b"\x80\xc8\x00\x09short", 1.0)
    assert stage.context.counters["rtcp_malformed"] == 1
