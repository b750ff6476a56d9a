"""The contract with aiortc: its own DTLS and SCTP as the peer. Fails first when a seam of it moves."""

import asyncio

import pytest
from aiortc import RTCCertificate
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport

from meetings.relay.secure import Certificate, DtlsFailed, SecureTransport

from .packets import rtp


class Wire:
    """What aiortc takes for an ICE transport, wired to a SecureTransport."""

    role = "controlling"

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue()
        self.far: SecureTransport | None = None

    async def _recv(self) -> bytes:
        return await self.inbox.get()

    async def _send(self, data: bytes) -> None:
        assert self.far is not None
        if 20 <= data[0] <= 63:
            self.far.feed(data)


class Pair:
    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self.lost = 0
        self.wire = Wire()
        self.certificate, self.browser_certificate = Certificate(), RTCCertificate.generateCertificate()
        self.relay = SecureTransport(
            self.certificate, self.wire.inbox.put_nowait, lambda *m: self.messages.append(m), self._lost, 1000
        )
        self.wire.far = self.relay
        self.browser = RTCDtlsTransport(self.wire, [self.browser_certificate])  # type: ignore[arg-type]
        self.browser._set_role("server")
        self.sctp = RTCSctpTransport(self.browser)

    def _lost(self) -> None:
        self.lost += 1

    def fingerprints(self) -> list[tuple[str, str]]:
        return [(f.algorithm, f.value) for f in self.browser_certificate.getFingerprints()]

    async def connect(self):
        name, value = self.certificate.fingerprint
        expected = RTCDtlsParameters([RTCDtlsFingerprint(name, value)], role="client")
        browser = asyncio.create_task(self.browser.start(expected))
        sessions = await self.relay.handshake(self.fingerprints())
        await browser
        return sessions

    async def close(self) -> None:
        await self.sctp.stop()
        await self.relay.close()
        await self.browser.stop()


@pytest.fixture
async def pair():
    pair = Pair()
    yield pair
    await pair.close()


async def test_the_handshake_gives_sessions_that_fit_the_peers(pair: Pair) -> None:
    sessions = await pair.connect()
    packet = rtp(5, 1, 0, b"hello")
    assert sessions.receive.unprotect(pair.browser._tx_srtp.protect(packet)) == packet
    assert pair.browser._rx_srtp.unprotect(sessions.send.protect(packet)) == packet
    report = bytes.fromhex("80c90001") + bytes(4)
    assert sessions.receive.unprotect_rtcp(pair.browser._tx_srtp.protect_rtcp(report)) == report


async def test_data_channels_carry_messages_both_ways(pair: Pair) -> None:
    await pair.connect()
    await asyncio.gather(pair.relay.open_channels(), pair.sctp.start(RTCSctpCapabilities(65_536), 5000))
    channel = RTCDataChannel(pair.sctp, RTCDataChannelParameters(label="_reliable"))
    heard: list[bytes] = []
    channel.on("message", heard.append)
    async with asyncio.timeout(5):
        while channel.readyState != "open":
            await asyncio.sleep(0.01)
        channel.send(b"to the relay")
        channel.send("text is for nobody")
        while not pair.messages:
            await asyncio.sleep(0.01)
        assert pair.relay.send("_reliable", b"to the browser")
        while not heard:
            await asyncio.sleep(0.01)
    assert heard == [b"to the browser"]
    assert pair.messages == [("_reliable", b"to the relay")]
    assert not pair.relay.send("_reliable", bytes(2000))
    assert not pair.relay.send("unknown", b"x")
    assert pair.relay.backlog("unknown") == 0


async def test_another_certificate_than_the_offers_is_refused(pair: Pair) -> None:
    name, value = pair.certificate.fingerprint
    browser = asyncio.create_task(
        pair.browser.start(RTCDtlsParameters([RTCDtlsFingerprint(name, value)], role="client"))
    )
    with pytest.raises(DtlsFailed):
        await pair.relay.handshake([("sha-256", ":".join(["00"] * 32))])
    await browser
    with pytest.raises(DtlsFailed):
        await pair.relay.handshake([])


async def test_a_malformed_message_ends_the_association_alone(pair: Pair) -> None:
    await pair.connect()
    await asyncio.gather(pair.relay.open_channels(), pair.sctp.start(RTCSctpCapabilities(65_536), 5000))
    async with asyncio.timeout(5):
        while pair.sctp.state != "connected":
            await asyncio.sleep(0.01)
        # A channel opened twice: aiortc asserts that this does not happen.
        opening = b"\x03\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00x"
        for _ in range(2):
            await pair.sctp._send(1, 50, opening)
        while not pair.lost:
            await asyncio.sleep(0.01)
    assert pair.lost >= 1


async def test_channels_without_end_end_the_association(pair: Pair) -> None:
    """aiortc keeps every channel ever opened: 65,000 of them, with 64 KB of label each."""
    await pair.connect()
    await asyncio.gather(pair.relay.open_channels(), pair.sctp.start(RTCSctpCapabilities(65_536), 5000))
    async with asyncio.timeout(5):
        for number in range(100):
            RTCDataChannel(pair.sctp, RTCDataChannelParameters(label=f"c{number % 3}"))
        while not pair.lost:
            await asyncio.sleep(0.01)
    assert not pair.relay.send("c0", bytes(2000))


async def test_closing_leaves_nothing_running(pair: Pair) -> None:
    before = asyncio.all_tasks()
    await pair.connect()
    await asyncio.gather(pair.relay.open_channels(), pair.sctp.start(RTCSctpCapabilities(65_536), 5000))
    await pair.close()
    assert asyncio.all_tasks() == before


async def test_the_peers_goodbye_is_noticed(pair: Pair) -> None:
    await pair.connect()
    await pair.browser.stop()
    async with asyncio.timeout(5):
        while not pair.lost:
            await asyncio.sleep(0.01)
    assert pair.lost == 1


async def test_a_flood_before_the_handshake_is_bounded(pair: Pair) -> None:
    for _ in range(3000):
        pair.relay.feed(b"\x16flood")
    assert pair.relay._pipe.inbox.qsize() <= 1024
    assert pair.relay._pipe.dropped > 1000
    while not pair.relay._pipe.inbox.empty():
        pair.relay._pipe.inbox.get_nowait()
