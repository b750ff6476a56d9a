"""The UDP sockets of one port, one per address family. Each answers from the address that it was asked at."""

import asyncio
import errno
import logging
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from struct import Struct
from typing import Final, NamedTuple

from meetings.relay.interface import Address

log = logging.getLogger("visio.relay")

SOCKET_BUFFER: Final = 4 * 1024 * 1024
# Datagrams read per wake-up: enough to drain a burst, few enough that signalling is served in between.
BATCH: Final = 64
# A free port of one family may be taken in the other.
_TRIES: Final = 16

IP_PKTINFO: Final = 8  # linux/in.h; Python 3.11 does not name it
_IN_PKTINFO: Final = Struct("=I4s4s")  # interface, our address, the header's destination
_IN6_PKTINFO: Final = Struct("=16sI")  # our address, interface (RFC 3542 §6.1)
_ANCILLARY_BYTES: Final = socket.CMSG_SPACE(_IN6_PKTINFO.size)

Ancillary = Sequence[tuple[int, int, bytes]]
# A datagram, its sender's address, and what `local_address` reads.
Received = Callable[[bytes, Address, Ancillary], None]


class Route(NamedTuple):
    """How a peer is sent to. `source` names our address where the system would choose another."""

    socket: socket.socket
    address: Address
    source: Ancillary


class Datagrams:
    """`bind` empty: every address of IPv4, and of IPv6 where the machine has it. `port` 0: any free one.

    Without `received` nothing is read here: somebody else reads from `descriptors`.
    """

    def __init__(self, bind: str, port: int, received: Received | None, counters: Counter[str]) -> None:
        self._bind, self._wanted_port = bind, port
        self._received, self._counters = received, counters
        self._sockets: dict[int, socket.socket] = {}

    @property
    def port(self) -> int:
        for sock in self._sockets.values():
            port: int = sock.getsockname()[1]
            return port
        return self._wanted_port

    def start(self) -> None:
        """Begins to read on the running loop. Raises OSError where the port is taken."""
        self._sockets = {sock.family: sock for sock in _open(self._bind, self._wanted_port)}
        if self._received is not None:
            for sock in self._sockets.values():
                reader = partial(self._readable, sock, self._received)
                asyncio.get_running_loop().add_reader(sock.fileno(), reader)

    @property
    def descriptors(self) -> tuple[int, int]:
        """Of IPv4's socket and IPv6's; -1 for one that there is not."""
        four, six = (self._sockets.get(family) for family in (socket.AF_INET, socket.AF_INET6))
        return four.fileno() if four else -1, six.fileno() if six else -1

    def stop(self) -> None:
        for sock in self._sockets.values():
            asyncio.get_running_loop().remove_reader(sock.fileno())
            sock.close()
        self._sockets = {}

    def route(self, address: Address, local: str) -> Route | None:
        """The way to a peer that reached us at `local`; None for a family that is not spoken here."""
        sock = self._socket_to(address)
        if sock is None:
            return None
        return Route(sock, address, () if local == _usual_source(sock, address) else source_from(local))

    def send(self, data: bytes, route: Route) -> None:
        sock, address, source = route
        try:
            if source:
                sock.sendmsg((data,), source, 0, address)
            else:
                sock.sendto(data, address)
        except OSError:
            # Full buffer or unreachable peer: to RTP that is a lost packet, and so it is treated.
            self._counters["send_failed"] += 1

    def answer(self, data: bytes, address: Address, local: str) -> None:
        """Sends once, from `local`, to whoever just sent to it."""
        sock = self._socket_to(address)
        if sock is not None:
            self.send(data, Route(sock, address, source_from(local)))

    def _socket_to(self, address: Address) -> socket.socket | None:
        return self._sockets.get(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)

    def _readable(self, sock: socket.socket, received: Received) -> None:
        for _ in range(BATCH):
            try:
                data, ancillary, _flags, sender = sock.recvmsg(2048, _ANCILLARY_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._counters["receive_failed"] += 1
                return
            try:
                received(data, sender if len(sender) == 2 else sender[:2], ancillary)
            except Exception:
                self._counters["receive_errors"] += 1
                log.exception("a packet could not be handled")


def local_address(ancillary: Ancillary) -> str:
    """The address of ours that a datagram was sent to; empty where a socket has only one."""
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO:
            return socket.inet_ntop(socket.AF_INET, _IN_PKTINFO.unpack(data)[1])
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            return socket.inet_ntop(socket.AF_INET6, _IN6_PKTINFO.unpack(data)[0])
    return ""


def source_from(local: str) -> Ancillary:
    """Makes a datagram leave from `local`, by whichever interface leads to its peer."""
    if not local:
        return ()
    if ":" in local:
        told = _IN6_PKTINFO.pack(socket.inet_pton(socket.AF_INET6, local), 0)
        return ((socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, told),)
    told = _IN_PKTINFO.pack(0, socket.inet_pton(socket.AF_INET, local), bytes(4))
    return ((socket.IPPROTO_IP, IP_PKTINFO, told),)


def _usual_source(sock: socket.socket, address: Address) -> str:
    """The address from which the system would send there; asking sends nothing."""
    with socket.socket(sock.family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(address)
        except OSError:
            return ""
        host: str = probe.getsockname()[0]
        return host


def _open(bind: str, port: int) -> list[socket.socket]:
    if bind:
        return [_bound(socket.AF_INET6 if ":" in bind else socket.AF_INET, bind, port)]
    for _ in range(_TRIES - 1):
        try:
            return _open_both(port)
        except OSError as error:
            if port or error.errno != errno.EADDRINUSE:
                raise
    return _open_both(port)


def _open_both(port: int) -> list[socket.socket]:
    four = _bound(socket.AF_INET, "0.0.0.0", port)
    try:
        return [four, _bound(socket.AF_INET6, "::", four.getsockname()[1])]
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            four.close()
            raise
        log.info("media is sent over IPv4 alone: %s", error)
        return [four]


def _bound(family: int, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
