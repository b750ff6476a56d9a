"""The media port's sockets: both families, and every answer from the address that was asked."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from meetings.relay.dataplane.datagrams import Ancillary, Datagrams, local_address
from meetings.relay.interface import Address


class Port:
    """A wildcard port; keeps what came, and where to."""

    def __init__(self, bind: str = "", port: int = 0) -> None:
        self.counters: Counter[str] = Counter()
        self.datagrams = Datagrams(bind, port, self._received, self.counters)
        self.came: asyncio.Queue[tuple[bytes, Address, str]] = asyncio.Queue()

    def _received(self, data: bytes, address: Address, ancillary: Ancillary) -> None:
        self.came.put_nowait((data, address, local_address(ancillary)))


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    made = Port()
    made.datagrams.start()
    yield made
    made.datagrams.stop()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def peer(own: str, asked: str, port: int) -> socket.socket:
    """A socket at `own` that hears nobody but `asked`."""
    sock = socket.socket(socket.AF_INET6 if ":" in own else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((own, 0))
    sock.connect((asked, port))
    sock.settimeout(2)
    return sock


ASKED = [("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "127.0.0.2"), ("127.0.0.3", "127.0.0.2")]
if has_ipv6():
    ASKED.append(("::1", "::1"))


@pytest.mark.parametrize(("own", "asked"), ASKED)
async def test_answers_come_from_the_address_that_was_asked(port: Port, own: str, asked: str) -> None:
    """Regression: the system's choice answered; a peer takes that for a stranger's (RFC 8445 §7.2.5.2.1)."""
    with peer(own, asked, port.datagrams.port) as client:
        client.send(b"check")
        data, address, local = await asyncio.wait_for(port.came.get(), 2)
        assert (data, address, local) == (b"check", client.getsockname()[:2], asked)
        port.datagrams.answer(b"once", address, local)
        assert await asyncio.to_thread(client.recv, 100) == b"once"
        route = port.datagrams.route(address, local)
        assert route is not None
        port.datagrams.send(b"and on", route)
        assert await asyncio.to_thread(client.recv, 100) == b"and on"
        assert not port.counters


async def test_our_address_is_named_only_where_the_system_would_choose_another(port: Port) -> None:
    """Naming it costs half a microsecond for each packet."""
    usual, other = (port.datagrams.route(("127.0.0.1", 9), local) for local in ("127.0.0.1", "127.0.0.2"))
    assert usual is not None
    assert other is not None
    assert (len(usual.source), len(other.source)) == (0, 1)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_both_families_share_one_port(port: Port) -> None:
    for own in ("127.0.0.1", "::1"):
        with peer(own, own, port.datagrams.port) as client:
            client.send(own.encode())
            data, address, _ = await asyncio.wait_for(port.came.get(), 2)
            assert (data, address) == (own.encode(), client.getsockname()[:2])


async def test_a_port_taken_in_one_family_is_taken() -> None:
    family, everything = (socket.AF_INET6, "::") if has_ipv6() else (socket.AF_INET, "0.0.0.0")
    with socket.socket(family, socket.SOCK_DGRAM) as other:
        if family == socket.AF_INET6:
            other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind((everything, 0))
        with pytest.raises(OSError, match="in use"):
            Port(port=other.getsockname()[1]).datagrams.start()


async def test_a_family_that_is_not_spoken_has_no_route() -> None:
    only_four = Port("127.0.0.1")
    only_four.datagrams.start()
    try:
        assert only_four.datagrams.route(("fd77::2", 9), "") is None
        only_four.datagrams.answer(b"nobody", ("fd77::2", 9), "")
    finally:
        only_four.datagrams.stop()


async def test_what_cannot_be_sent_is_counted(port: Port) -> None:
    route = port.datagrams.route(("127.0.0.1", 9), "192.0.2.77")  # not an address of ours
    assert route is not None
    port.datagrams.send(b"x", route)
    assert port.counters["send_failed"] == 1


async def test_a_packet_that_cannot_be_handled_does_not_stop_the_others(
    port: Port, caplog: pytest.LogCaptureFixture
) -> None:
    came: list[bytes] = []

    def received(data: bytes, address: Address, ancillary: Ancillary) -> None:
        came.append(data)
        if data == b"bad":
            raise RuntimeError("planted")

    counters: Counter[str] = Counter()
    datagrams = Datagrams("127.0.0.1", 0, received, counters)
    datagrams.start()
    with peer("127.0.0.1", "127.0.0.1", datagrams.port) as client:
        client.send(b"bad")
        client.send(b"good")
        while len(came) < 2:
            await asyncio.sleep(0.01)
    datagrams.stop()
    assert (came, counters["receive_errors"]) == ([b"bad", b"good"], 1)
