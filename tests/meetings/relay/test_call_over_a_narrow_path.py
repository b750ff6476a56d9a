"""A path that gets narrow: the picture is paused, told so, and comes back; the voice goes on."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from livekit.protocol.rtc import SignalResponse, StreamState

from meetings.relay.dataplane.choice import NativePlaneMissing
from meetings.relay.interface import RelayLimits
from meetings.relay.rtcp import TwccRecorder
from meetings.relay.rtp import parse_rtp
from meetings.relay.server import RelayConfig
from tests.peers.descriptions import AUDIO, VIDEO, Description, Section
from tests.peers.impairment import SHIFT, Impairment, Way
from tests.peers.person import LightPerson
from tests.peers.transport import LightTransport, Remote
from visio_portal.throwaway import free_port

from .adapter import KEY, SECRET, Front, OpenPortal, started
from .stage import token
from .test_sdk_call import until

IMPAIRED = "127.0.0.2"
CONGESTION, RTX = 3, 97
PICTURE_EVERY, PACKETS, PAYLOAD = 0.05, 2, 1000  # 320 kbit/s


class Viewer(LightTransport):
    """Comes through the impairer, reads every packet, and answers as browsers do."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: Counter[int] = Counter()
        self._recorder = TwccRecorder()
        self._answered_at = 0.0

    async def reach(self, remote: Remote) -> None:
        await super().reach(replace(remote, address=(IMPAIRED, remote.address[1] + SHIFT)))

    def _media(self, data: bytes) -> None:
        if self._dtls._rx_srtp is None or 192 <= data[1] <= 223:
            return
        packet = self._dtls._rx_srtp.unprotect(data)
        header, now = parse_rtp(packet), time.monotonic()
        self.heard[header.payload_type] += 1
        number = header.extensions.get(CONGESTION)
        if number:
            self._recorder.add(int.from_bytes(number, "big"), header.ssrc, now)
        if now - self._answered_at > 0.05:
            self._answered_at = now
            feedback = self._recorder.feedback()
            if feedback is not None:
                self.send(self._dtls._tx_srtp.protect_rtcp(feedback))


class Offer(Description):
    """With RTX and transport-wide feedback for pictures."""

    def offer(self, ufrag: str, password: str, fingerprint: str) -> str:
        text = super().offer(ufrag, password, fingerprint)
        text = text.replace(f"SAVPF {VIDEO}\r", f"SAVPF {VIDEO} {RTX}\r")
        further = f"a=rtcp-fb:96 transport-cc\r\na=rtpmap:{RTX} rtx/90000\r\na=fmtp:{RTX} apt={VIDEO}\r\n"
        return text.replace("a=rtcp-fb:96 nack\r\n", f"a=rtcp-fb:96 nack\r\n{further}")


class Person(LightPerson):
    """Who has a camera that shows a lot, or only looks on."""

    def __init__(self, http: aiohttp.ClientSession, url: str, bearer: str, *, films: bool) -> None:
        super().__init__(http, url, bearer)
        self.description, self._films = Offer(), films
        self.states: list[int] = []

    def _understand(self, message: SignalResponse) -> None:
        super()._understand(message)
        self.states += [each.state for each in message.stream_state_update.stream_states]

    async def _play(self) -> None:
        sections = [
            Section("audio", "sendonly", "mic", secrets.randbits(31)),
            Section("video", "sendonly", "cam", secrets.randbits(31)),
        ]
        if not self._films:
            return
        mids = len(self.description.sections)
        self.description.sections += sections
        await self._negotiate()
        for number in range(10_000):
            self._send(AUDIO, sections[0].ssrc, number, number * 2400, bytes(40), mids)
            head = bytes((0x90, 0x80, 0x80 | number >> 8 & 0x7F, number & 0xFF, number % 10 != 0))
            for part in range(PACKETS):
                payload = (head if part == 0 else b"\0") + bytes(PAYLOAD)
                self._send(VIDEO, sections[1].ssrc, number * PACKETS + part, number * 4500, payload, mids + 1)
            await asyncio.sleep(PICTURE_EVERY)


@pytest.fixture(params=["portable", "native"])
async def front(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Front]:
    front = Front()
    await front.listen("127.0.0.1")
    config = RelayConfig(
        KEY,
        SECRET,
        ("127.0.0.1",),
        tmp_path,
        bind="127.0.0.1",
        udp_port=free_port(),
        limits=RelayLimits(departure_timeout=0, linger=0.1),
        plane=request.param,
    )
    try:
        relay = await started(front, config, OpenPortal())
    except NativePlaneMissing as missing:
        pytest.skip(str(missing))
    yield front
    await relay.stop()
    await front.close()


async def test_a_picture_that_does_not_fit_is_paused_not_frozen_and_comes_back(front: Front) -> None:
    assert front.relay is not None
    port = front.relay.config.udp_port
    async with AsyncExitStack() as stack:
        path = stack.enter_context(Impairment(IMPAIRED, "127.0.0.1", range(port, port + 1)))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        ann = Person(http, front.url, token("ann"), films=True)
        ben = Person(http, front.url, token("ben"), films=False)
        ben.transport = view = Viewer()
        for person in (ann, ben):
            await person.join()
            stack.push_async_callback(person.leave)
        await until(lambda: view.heard[VIDEO] > 40, 10)
        path.set(down=Way(rate=200_000))
        await until(lambda: ben.states[-1:] == [StreamState.PAUSED], 6)
        await asyncio.sleep(0.7)  # what queued comes through
        view.heard.clear()
        await until(lambda: view.heard[AUDIO] > 10, 5)
        assert view.heard[VIDEO] == 0
        path.set()
        await until(lambda: ben.states[-1:] == [StreamState.ACTIVE], 10)
        await until(lambda: view.heard[VIDEO] > 20, 5)
        assert ben.states == [StreamState.PAUSED, StreamState.ACTIVE]
