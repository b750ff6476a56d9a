"""The portable data plane with real sockets and real SRTP on both ends."""

import asyncio
import secrets
import socket

import pytest
from pylibsrtp import Error, Policy, Session

from meetings.relay.dataplane.portable import PortablePlane
from meetings.relay.interface import RtpHeader, SrtpSessions, SystemClock
from meetings.relay.rtp import parse_rtp

from .test_downtrack import rtp


def session(key: bytes, *, inbound: bool) -> Session:
    direction = Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_256_GCM)
    policy.window_size = 1024
    return Session(policy)


class Client:
    """The far end: a UDP socket and the other half of the sessions."""

    def __init__(self, plane: PortablePlane, number: int, *, secured: bool = True) -> None:
        up, down = secrets.token_bytes(44), secrets.token_bytes(44)
        self.send, self.receive = session(up, inbound=False), session(down, inbound=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(2)
        self.plane, self.number = plane, number
        self.unknown: list[RtpHeader] = []
        self.rtcp: list[bytes] = []
        self.dtls: list[bytes] = []
        plane.open(number, self)
        plane.bind(number, self.socket.getsockname(), preferred=True)
        self.sessions = SrtpSessions(session(up, inbound=True), session(down, inbound=False))
        if secured:
            plane.secure(number, self.sessions)

    def dtls_received(self, data: bytes) -> None:
        self.dtls.append(data)

    def rtcp_received(self, packet: bytes, now: float) -> None:
        self.rtcp.append(packet)

    def rtp_unknown(self, header: RtpHeader, packet: bytes, now: float) -> None:
        self.unknown.append(header)

    def raw(self, data: bytes) -> None:
        self.socket.sendto(data, ("127.0.0.1", self.plane.port))

    def media(self, packet: bytes) -> None:
        self.raw(self.send.protect(packet))

    async def datagram(self) -> bytes:
        return await asyncio.to_thread(self.socket.recv, 2000)


class AnyStream:
    track = 9

    def received(self, header: RtpHeader, packet: bytes, now: float) -> bool:
        return not packet.endswith(b"probe")


class Copy:
    """A sink that sends each packet on as it is."""

    def __init__(self, transport: int | None) -> None:
        self.transport = transport
        self.seen: list[int] = []
        self.skipped: list[int] = []

    def forward(self, stream: object, header: RtpHeader, packet: bytes, now: float) -> bytes:
        self.seen.append(header.sequence)
        return packet if self.transport is not None else b""

    def skip(self, stream: object, header: RtpHeader) -> None:
        self.skipped.append(header.sequence)


class Clock(SystemClock):
    """The machine's, a little ahead."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def plane(clock: Clock):
    plane = PortablePlane(
        bind="127.0.0.1", port=0, stun_received=lambda data, address, local: b"\0stun" + data, clock=clock
    )
    await plane.start()
    yield plane
    await plane.stop()


@pytest.fixture
def clients(plane: PortablePlane):
    pair = Client(plane, 1), Client(plane, 2)
    yield pair
    for client in pair:
        client.socket.close()


async def test_a_packet_goes_to_every_sink(plane, clients) -> None:
    publisher, subscriber = clients
    sinks = Copy(2), Copy(None)
    plane.add_stream(1, 5, AnyStream())
    for sink in sinks:
        plane.attach(9, sink)
        plane.attach(9, sink)
    publisher.media(rtp(5, 77, 0, b"hello"))
    packet = subscriber.receive.unprotect(await subscriber.datagram())
    assert parse_rtp(packet).sequence == 77
    assert [sink.seen for sink in sinks] == [[77], [77]]
    plane.detach(9, sinks[0])
    publisher.media(rtp(5, 78, 0, b"hello"))
    await asyncio.sleep(0.05)
    assert [sink.seen for sink in sinks] == [[77], [77, 78]]


async def test_probes_are_not_forwarded_but_told(plane, clients) -> None:
    sink = Copy(2)
    plane.add_stream(1, 5, AnyStream())
    plane.attach(9, sink)
    clients[0].media(rtp(5, 1, 0, b"probe"))
    await asyncio.sleep(0.05)
    assert (sink.seen, sink.skipped) == ([], [1])


async def test_a_retransmission_is_the_same_bytes(plane, clients) -> None:
    """Another ciphertext under the same sequence number would repeat an AES-GCM nonce."""
    publisher, subscriber = clients
    plane.add_stream(1, 5, AnyStream())
    plane.attach(9, Copy(2))
    publisher.media(rtp(5, 77, 0, b"hello"))
    first = await subscriber.datagram()
    assert plane.retransmit(2, 5, [76, 77, 78]) == 1
    assert await subscriber.datagram() == first
    plane.forget(2, 5)
    assert plane.retransmit(2, 5, [77]) == 0


async def test_a_nack_never_asks_for_more_than_was_sent(plane, clients) -> None:
    """A subscriber that asks for the same packets over and over would be a UDP amplifier."""
    publisher, subscriber = clients
    plane.add_stream(1, 5, AnyStream())
    plane.attach(9, Copy(2))
    for sequence in range(4):
        publisher.media(rtp(5, sequence, 0, b"hello"))
        await subscriber.datagram()
    assert plane.retransmit(2, 5, [0, 1, 2] * 500) == 4
    assert plane.retransmit(2, 5, [0, 1, 2]) == 0
    publisher.media(rtp(5, 4, 0, b"hello"))
    await asyncio.sleep(0.05)
    assert plane.retransmit(2, 5, [0, 1, 2]) == 1


class Renumber(Copy):
    """Gives its packets the numbers it was told."""

    def __init__(self, transport: int, numbers: list[int]) -> None:
        super().__init__(transport)
        self.numbers = numbers

    def forward(self, stream: object, header: RtpHeader, packet: bytes, now: float) -> bytes:
        return packet[:2] + self.numbers.pop(0).to_bytes(2, "big") + packet[4:]


async def test_no_number_is_encrypted_twice(plane, clients) -> None:
    """Two packets under one number repeat an AES-GCM nonce; libsrtp lets that pass as aiortc sets it up."""
    publisher, subscriber = clients
    plane.add_stream(1, 5, AnyStream())
    plane.attach(9, Renumber(2, [65_534, 1, 65_534, 65_535, 1, 0, 400, 140, 500, 400]))
    for sequence in range(10):
        publisher.media(rtp(5, sequence, 0, b"packet %d" % sequence))
    await asyncio.sleep(0.05)
    sent = [parse_rtp(subscriber.receive.unprotect(await subscriber.datagram())) for _ in range(6)]
    assert [header.sequence for header in sent] == [65_534, 1, 65_535, 0, 400, 500]
    assert plane.counters()["sequence_repeated"] == 4


async def test_packets_that_overtake_the_handshake_are_kept(plane, clients) -> None:
    early, sink = Client(plane, 3, secured=False), Copy(None)
    plane.add_stream(3, 5, AnyStream())
    plane.attach(9, sink)
    for sequence in range(100):
        early.media(rtp(5, sequence, 0, b"first words"))
    await asyncio.sleep(0.1)
    assert sink.seen == []
    plane.secure(3, early.sessions)
    assert sink.seen == list(range(64))
    assert plane.counters()["early_dropped"] == 36
    early.socket.close()


async def test_an_unknown_source_may_be_added_in_time_for_its_first_packet(plane, clients) -> None:
    publisher, _ = clients
    sink = Copy(None)
    plane.attach(9, sink)

    def add(header: RtpHeader, packet: bytes, now: float) -> None:
        plane.add_stream(1, header.ssrc, AnyStream())

    publisher.rtp_unknown = add
    publisher.media(rtp(5, 3, 0, b"first"))
    await asyncio.sleep(0.05)
    assert sink.seen == [3]


async def test_hostile_packets_are_dropped_and_counted(plane, clients) -> None:
    publisher, _ = clients
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with stranger:
        stranger.sendto(rtp(5, 1, 0, b"x"), ("127.0.0.1", plane.port))
        publisher.raw(rtp(5, 1, 0, b"not encrypted, long enough to look so"))
        publisher.raw(b"\x80\xc8" + bytes(40))
        publisher.raw(b"\x80")
        publisher.media(rtp(6, 1, 0, b"nobody's"))
        await asyncio.sleep(0.05)
    counters = plane.counters()
    assert (counters["strangers"], counters["unprotect_failed"], counters["unknown_ssrc"]) == (1, 2, 1)
    assert counters["unknown"] == 1
    assert [header.ssrc for header in publisher.unknown] == [6]


async def test_a_replayed_packet_is_refused(plane, clients) -> None:
    publisher, _ = clients
    sink = Copy(None)
    plane.add_stream(1, 5, AnyStream())
    plane.attach(9, sink)
    data = publisher.send.protect(rtp(5, 3, 0, b"first"))
    publisher.raw(data)
    publisher.raw(data)
    await asyncio.sleep(0.05)
    assert sink.seen == [3]


async def test_rtcp_goes_both_ways_in_the_clear_to_us(plane, clients) -> None:
    publisher, subscriber = clients
    report = bytes.fromhex("80c90001") + bytes(4)
    publisher.raw(publisher.send.protect_rtcp(report))
    plane.send_rtcp(2, report)
    assert subscriber.receive.unprotect_rtcp(await subscriber.datagram()) == report
    assert publisher.rtcp == [report]


async def test_stun_and_dtls_go_where_they_belong(plane, clients) -> None:
    publisher, subscriber = clients
    publisher.raw(b"\0\1check")
    assert await publisher.datagram() == b"\0stun\0\1check"
    publisher.raw(b"\x16hello")
    plane.send_datagram(2, b"\x16flight")
    assert await subscriber.datagram() == b"\x16flight"
    assert publisher.dtls == [b"\x16hello"]


async def test_all_that_a_peer_gets_comes_from_the_address_it_checked() -> None:
    """Regression: DTLS and media came from a machine's first address, whichever was nominated."""

    def answer(data: bytes, address: tuple[str, int], local: str) -> bytes | None:
        assert plane.bind(1, address, preferred=True, local=local)
        return b"\0answer"

    plane = PortablePlane(bind="", port=0, stun_received=answer)
    await plane.start()
    client = Client(plane, 1)
    try:
        client.socket.connect(("127.0.0.2", plane.port))  # hears nobody else from here on
        client.socket.send(b"\0\1check")
        assert await client.datagram() == b"\0answer"
        plane.send_datagram(1, b"\x16flight")
        assert await client.datagram() == b"\x16flight"
        plane.send_rtcp(1, report := bytes.fromhex("80c80006" + "00000005" + "00" * 20))
        assert client.receive.unprotect_rtcp(await client.datagram()) == report
    finally:
        client.socket.close()
        await plane.stop()


async def test_addresses_are_bounded_and_go_with_the_transport(plane, clients) -> None:
    publisher, _ = clients
    answers = [plane.bind(1, ("127.0.0.1", port), preferred=False) for port in range(1, 20)]
    assert answers == 7 * [True] + 12 * [False]
    assert plane.counters()["addresses_refused"] == 12
    await plane.close(1)
    publisher.raw(b"\x16hello")
    await asyncio.sleep(0.05)
    assert (publisher.dtls, plane.counters()["strangers"]) == ([], 1)


async def test_a_client_may_change_its_network_as_often_as_it_likes(plane, clients, clock) -> None:
    """Regression: addresses were never forgotten, and the ninth network of a long call was refused."""
    subscriber = clients[1]
    for port in range(1, 30):
        clock.ahead += 31
        assert plane.bind(2, ("127.0.0.1", port), preferred=True)
    clock.ahead += 31
    assert plane.bind(2, subscriber.socket.getsockname(), preferred=True)
    plane.send_datagram(2, b"\x16here")
    assert await subscriber.datagram() == b"\x16here"


async def test_nobody_takes_an_address_that_another_uses(plane, clients, clock) -> None:
    """Regression: a check with a forged source address led a victim's packets to the forger's transport."""
    publisher, _ = clients
    address = publisher.socket.getsockname()
    assert not plane.bind(2, address, preferred=True)
    publisher.raw(b"\x16mine")
    await asyncio.sleep(0.05)
    assert (publisher.dtls, plane.counters()["addresses_contested"]) == ([b"\x16mine"], 1)
    clock.ahead = 31
    assert plane.bind(2, address, preferred=True)
    await plane.close(1)
    assert plane.bind(2, address, preferred=False)


async def test_congestion_feedback_speaks_of_what_came(plane, clients) -> None:
    publisher, _ = clients
    plane.add_stream(1, 5, AnyStream())
    plane.watch_congestion(1, 3)
    head = RtpHeader(False, 96, 1, 0, 5, 12, 0, {})
    assert plane.congestion_feedback(1) is None
    from meetings.relay.rtp import rebuild_rtp

    for number in (10, 12):
        publisher.media(
            rebuild_rtp(
                bytes(14),
                head,
                payload_type=96,
                sequence=number,
                timestamp=0,
                ssrc=5,
                extensions=[(3, number.to_bytes(2, "big"))],
            )
        )
    await asyncio.sleep(0.05)
    feedback = plane.congestion_feedback(1)
    assert feedback is not None
    assert feedback[:2] == b"\x8f\xcd"
    assert int.from_bytes(feedback[12:14], "big") == 10
    assert int.from_bytes(feedback[14:16], "big") == 3


def test_a_session_refuses_what_another_key_made() -> None:
    """The far end of these tests is a real one: the wrong key does not open anything."""
    sealed = session(bytes(44), inbound=False).protect(rtp(5, 1, 0, b"x"))
    with pytest.raises(Error):
        session(bytes(43) + b"\1", inbound=True).unprotect(sealed)
