"""ICE over TCP: a data plane's port on loopback, peers on real connections."""

import asyncio
import contextlib
import itertools
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
import uvloop
from aioice import Candidate, stun
from hypothesis import given
from hypothesis import strategies as st

from meetings.relay.errors import MalformedPacket
from meetings.relay.ice_lite import IceLite
from meetings.relay.ice_tcp import TcpEdge, TcpUnavailable
from meetings.relay.ice_tcp.frames import LONGEST, FrameReader, frame
from meetings.relay.interface import Address, RelayLimits, SystemClock

DTLS, MEDIA = b"\x16 hello", b"\x80\x60 a picture"
LIMITS = RelayLimits(tcp_connections=6, tcp_strangers=2)


def _plane() -> socket.socket:
    """A UDP socket whose number is free in TCP, too: connections of other programs may have it."""
    while True:
        plane = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        plane.bind(("127.0.0.1", 0))
        plane.setblocking(False)
        with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
            try:
                probe.bind(plane.getsockname())
            except OSError:
                plane.close()
            else:
                return plane


class Stage:
    """An edge before a socket that stands for the data plane; `free` says whether `bind` succeeds."""

    def __init__(self) -> None:
        self.bound: list[tuple[int, Address, bool, str]] = []
        self.free: Callable[[], bool] = lambda: True
        self.ice = IceLite(clock=SystemClock(), bind=self._bind, addresses=("192.0.2.1", "fd77::2"))
        self.agent = self.ice.agent(7, lambda: None)
        self.plane = _plane()
        self.port: int = self.plane.getsockname()[1]
        self.edge: TcpEdge | None = None
        self.peers: list[Peer] = []

    def _bind(self, *call: Any) -> bool:
        self.bound.append(call)  # type: ignore[arg-type]
        return self.free()

    async def listen(self, limits: RelayLimits = LIMITS, bind: str = "127.0.0.1") -> TcpEdge:
        self.edge = TcpEdge(
            bind=bind, check_received=self.ice.stun_received, clock=SystemClock(), limits=limits
        )
        await self.edge.start(self.port)
        return self.edge

    async def close(self) -> None:
        for peer in self.peers:
            await peer.close()
        if self.edge is not None:
            await self.edge.stop()
            assert self.edge.connections == 0
        self.plane.close()

    def check(self, password: str = "") -> bytes:
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self.agent.ufrag}:peer"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLING"] = 1
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity((password or self.agent.password).encode())
        request.add_fingerprint()
        return frame(bytes(request))

    async def peer(self, *, proved: bool = False, host: str = "127.0.0.1") -> "Peer":
        peer = Peer(*await asyncio.open_connection(host, self.port))
        self.peers.append(peer)
        if proved:
            peer.send(self.check())
            await peer.datagram()
        return peer

    async def arrived(self) -> tuple[bytes, Address]:
        """The next datagram at the data plane's socket."""
        found: tuple[bytes, Address] = await within(lambda: _received(self.plane))
        return found


def _received(plane: socket.socket) -> tuple[bytes, Address] | None:
    try:
        return plane.recvfrom(4096)
    except BlockingIOError:
        return None


async def within(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.01)
    return found


class Peer:
    """The far end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self._writer = reader, writer
        self.address: Address = writer.get_extra_info("sockname")

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def datagram(self) -> bytes:
        async with asyncio.timeout(10):
            size = int.from_bytes(await self.reader.readexactly(2), "big")
            return await self.reader.readexactly(size)

    async def closed(self, seconds: float = 10.0) -> bool:
        """True once the other side has ended it."""
        async with asyncio.timeout(seconds):
            try:
                return not await self.reader.read(1)
            except ConnectionError:
                return True

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    await stage.close()


async def test_a_peer_is_told_its_own_address_and_the_plane_one_on_loopback(stage: Stage) -> None:
    await stage.listen()
    peer = await stage.peer()
    peer.send(stage.check())
    answer = stun.parse_message(await peer.datagram())
    assert answer.check_message_integrity(stage.agent.password.encode())
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == peer.address
    ((transport, address, preferred, local),) = stage.bound
    assert (transport, preferred, local) == (7, True, "")
    assert address[0] == "127.0.0.1"
    assert address != peer.address


async def test_peers_of_both_families_come_to_the_same_port(stage: Stage) -> None:
    await stage.listen(bind="")
    for host in ("127.0.0.1", "::1"):
        peer = await stage.peer(host=host)
        peer.send(stage.check())
        answer = stun.parse_message(await peer.datagram())
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == (host, peer.address[1])
        assert stage.bound[-1][1][0] == "127.0.0.1"
        peer.send(frame(MEDIA))
        assert await stage.arrived() == (MEDIA, stage.bound[-1][1])


async def test_datagrams_pass_both_ways_in_order(stage: Stage) -> None:
    edge = await stage.listen()
    peer = await stage.peer(proved=True)
    peer.send(frame(DTLS) + frame(b"") + frame(MEDIA)[:3])
    peer.send(frame(MEDIA)[3:])
    assert [(await stage.arrived())[0] for _ in range(2)] == [DTLS, MEDIA]
    address = stage.bound[-1][1]
    for number in range(100):
        stage.plane.sendto(MEDIA + bytes([number]), address)
    assert [await peer.datagram() for _ in range(100)] == [MEDIA + bytes([number]) for number in range(100)]
    assert not edge.counters
    await peer.close()
    await within(lambda: edge.connections == 0)


def test_the_same_on_uvloop_whose_transports_are_no_asyncio_transport() -> None:
    async def both_ways() -> None:
        stage = Stage()
        await test_datagrams_pass_both_ways_in_order(stage)
        await stage.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(both_ways())


async def test_nothing_passes_before_a_valid_check(stage: Stage) -> None:
    edge = await stage.listen()
    peer = await stage.peer()
    peer.send(frame(DTLS) + frame(MEDIA) + stage.check("x" * 24) + frame(DTLS))
    await within(lambda: edge.counters["tcp_early_dropped"] == 3)
    assert stage.ice.refused == 1
    peer.send(stage.check() + frame(MEDIA))
    assert (await stage.arrived())[0] == MEDIA


async def test_a_stranger_on_the_planes_side_is_not_heard(stage: Stage) -> None:
    """Only the relay's own port may send to a peer through its loopback address."""
    await stage.listen()
    peer = await stage.peer(proved=True)
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as stranger:
        stranger.sendto(b"\x80\x60 forged", stage.bound[-1][1])
    stage.plane.sendto(MEDIA, stage.bound[-1][1])
    assert await peer.datagram() == MEDIA


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"SSH-2.0-x\r\n",
        (LONGEST + 1).to_bytes(2, "big"),
    ],
    ids=["http", "tls", "ssh", "overlong"],
)
async def test_other_protocols_are_closed_at_their_first_bytes(stage: Stage, data: bytes) -> None:
    edge = await stage.listen()
    peer = await stage.peer()
    peer.send(data)
    assert await peer.closed()
    assert edge.counters == {"tcp_malformed": 1}


async def test_who_guesses_passwords_is_sent_away_and_leaves_nothing_open(stage: Stage) -> None:
    edge = await stage.listen()
    before = len(os.listdir("/proc/self/fd"))
    peer = await stage.peer()
    peer.send(stage.check("x" * 24) * 50)
    assert await peer.closed()
    assert edge.counters == {"tcp_strangers_closed": 1}
    assert stage.ice.refused == 8
    await peer.close()
    await within(lambda: len(os.listdir("/proc/self/fd")) <= before)


async def test_an_address_that_somebody_else_still_has_is_left_for_another(stage: Stage) -> None:
    """The port of a connection that ended may come again, while its address is still held for 30 s."""
    await stage.listen()
    tries = itertools.count()
    stage.free = lambda: next(tries) > 1
    peer = await stage.peer()
    for _ in range(3):
        peer.send(stage.check())
    await peer.datagram()
    assert len(stage.bound) == 3
    peer.send(frame(MEDIA))
    assert await stage.arrived() == (MEDIA, stage.bound[-1][1])


async def test_the_oldest_of_too_many_strangers_goes_and_known_peers_stay(stage: Stage) -> None:
    edge = await stage.listen()
    known = await stage.peer(proved=True)
    strangers = []
    for number in range(3):
        strangers.append(await stage.peer())
        await within(lambda number=number: edge.connections == min(number, 1) + 2)
    assert await strangers[0].closed()
    assert edge.counters == {"tcp_strangers_closed": 1}
    strangers[2].send(stage.check())
    await strangers[2].datagram()
    known.send(frame(MEDIA))
    assert (await stage.arrived())[0] == MEDIA


async def test_connections_beyond_the_limit_are_closed(stage: Stage) -> None:
    edge = await stage.listen()
    for _ in range(6):
        await stage.peer(proved=True)
    assert await (await stage.peer()).closed()
    assert (edge.connections, edge.counters) == (6, {"tcp_refused": 1})


async def test_the_silent_are_closed_strangers_soon_and_known_peers_without_consent(stage: Stage) -> None:
    edge = await stage.listen(RelayLimits(tcp_first_check=0.2, consent=1.5))
    known, stranger = await stage.peer(proved=True), await stage.peer()
    assert await stranger.closed()
    assert edge.connections == 1
    known.send(frame(MEDIA))  # data gives no consent, only checks do (RFC 7675 §5.1)
    assert await known.closed()
    assert edge.counters == {"tcp_strangers_closed": 1, "tcp_silent_closed": 1}


async def test_what_a_client_does_not_read_is_dropped_and_counted(stage: Stage) -> None:
    edge = await stage.listen()
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, ("127.0.0.1", stage.port))
        await loop.sock_sendall(slow, stage.check())
        await within(lambda: stage.bound)
        sent = 0
        async with asyncio.timeout(30):
            while not edge.counters["tcp_slow_dropped"]:
                stage.plane.sendto(bytes([0x80]) * 1200, stage.bound[-1][1])
                sent += 1202
                if sent % 20 == 0:
                    await asyncio.sleep(0)
        assert sent < 2_000_000, "a reader that stands still made us keep megabytes"
        # Once it reads again, whole frames follow.
        reader = FrameReader()
        seen: list[bytes] = []
        while b"\x80 now" not in seen:
            stage.plane.sendto(b"\x80 now", stage.bound[-1][1])
            seen += reader.feed(await asyncio.wait_for(loop.sock_recv(slow, 1 << 16), 10))
        assert all(each == b"\x80 now" or each[:2] == b"\1\1" or len(each) == 1200 for each in seen)


async def test_a_taken_port_is_said_in_the_operators_words(stage: Stage) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as other:
        other.bind(("127.0.0.1", stage.port))
        other.listen()
        with pytest.raises(TcpUnavailable) as failure:
            await stage.listen()
    assert failure.value.strerror == (
        "Address already in use (for TCP; VISIO_MEDIA_TCP=off, or --no-tcp, does without)"
    )


def test_candidates_over_tcp_are_passive_and_come_after_all_of_udp() -> None:
    stage = Stage()
    stage.ice.over_tcp = True
    lines = stage.ice.candidates(4000)
    stage.plane.close()
    parsed = [Candidate.from_sdp(line.removeprefix("candidate:")) for line in lines]
    assert [(each.transport, each.host, each.port, each.tcptype) for each in parsed] == [
        ("udp", "192.0.2.1", 4000, None),
        ("udp", "fd77::2", 4000, None),
        ("tcp", "192.0.2.1", 4000, "passive"),
        ("tcp", "fd77::2", 4000, "passive"),
    ]
    priorities = [each.priority for each in parsed]
    assert priorities == sorted(set(priorities), reverse=True)
    assert [each.priority >> 21 & 7 for each in parsed[2:]] == [4, 4]  # RFC 6544 §4.2: a passive host
    assert len({each.foundation for each in parsed}) == 4  # RFC 6544 §4.1 counts the transport protocol in


@given(
    datagrams=st.lists(st.binary(min_size=1, max_size=300), max_size=8),
    cuts=st.lists(st.integers(0, 2500), max_size=8),
)
def test_frames_come_out_as_they_went_in_wherever_the_stream_is_cut(
    datagrams: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(map(frame, datagrams))
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = FrameReader()
    pieces: Iterator[bytes] = (stream[a:b] for a, b in itertools.pairwise(places))
    assert [each for piece in pieces for each in reader.feed(piece)] == datagrams


def test_an_overlong_frame_is_refused_before_it_has_come() -> None:
    reader = FrameReader()
    assert list(reader.feed(frame(b"x" * LONGEST))) == [b"x" * LONGEST]
    with pytest.raises(MalformedPacket):
        list(reader.feed(b"\xff\xff"))
