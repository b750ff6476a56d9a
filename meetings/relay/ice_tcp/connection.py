"""One peer's connection: frames become datagrams to the relay's own UDP port, and the other way round."""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol, cast

from meetings.relay.errors import MalformedPacket
from meetings.relay.ice_tcp.frames import LONGEST, FrameReader, frame
from meetings.relay.interface import Address, Clock
from meetings.relay.rtp import Kind, classify

# Datagrams taken per wake-up, and written as one piece.
_BATCH: Final = 64
# What the kernel may keep unsent (it doubles the number). Left to itself it grows to megabytes: at 1.5 Mbit/s
# a picture would come many seconds late before anything is dropped and the sender slows down.
_SEND_BUFFER: Final = 128 * 1024
# Checks that are not answered before a stranger is sent away; each costs a hash.
_MOST_FAILED_CHECKS: Final = 8

# The check, the address of its sender as the data plane knows it, ours, and as the peer itself should see it.
CheckReceived = Callable[[bytes, Address, str, Address], bytes | None]


class Keeper(Protocol):
    """Who owns the connections: `edge.TcpEdge`."""

    counters: Counter[str]
    clock: Clock
    backlog: int
    relay: Address
    check_received: CheckReceived

    def opened(self, connection: "Connection") -> None: ...
    def proved(self, connection: "Connection") -> None: ...
    def closed(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """Until a first check is answered nothing but checks is taken; without a check for long it is closed.

    Checks are answered here, with the address that the peer has on its side of the stream; everything else
    goes through a UDP socket of its own, whose address on loopback is what the data plane sees.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._reader = FrameReader()
        self._stream: asyncio.Transport | None = None
        self._path: socket.socket | None = None
        self._seen: Address = ("", 0)
        self._full = False
        self._failed_checks = 0
        self.since = keeper.clock.monotonic()
        self.heard_at: float | None = None

    # The stream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._stream = stream = cast("asyncio.Transport", transport)  # uvloop's has another base class
        stream.set_write_buffer_limits(high=self._keeper.backlog)
        sock = stream.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = stream.get_extra_info("peername") or ("0.0.0.0", 0)
        self._seen = (peer[0], peer[1])
        self._keeper.opened(self)

    def data_received(self, data: bytes) -> None:
        try:
            for datagram in self._reader.feed(data):
                if self._stream is None or self._stream.is_closing():
                    return
                self._received(datagram)
        except MalformedPacket:
            self._keeper.counters["tcp_malformed"] += 1
            self.abort()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave_path()
        self._keeper.closed(self)

    def abort(self) -> None:
        """Ends it without waiting for whatever was not sent yet."""
        if self._stream is not None:
            self._stream.abort()

    # From the peer

    def _received(self, datagram: bytes) -> None:
        if classify(datagram) is Kind.STUN:
            self._check(datagram)
        elif self.heard_at is None or self._path is None:
            self._keeper.counters["tcp_early_dropped"] += 1
        else:
            self._pass_on(self._path, datagram)

    def _check(self, datagram: bytes) -> None:
        path = self._path or self._open_path()
        if path is None:
            return
        host, port = path.getsockname()[:2]
        reply = self._keeper.check_received(datagram, (host, port), "", self._seen)
        if reply is not None and self._stream is not None:
            self._stream.write(frame(reply))
            self.heard_at = self._keeper.clock.monotonic()
            self._keeper.proved(self)
        elif self.heard_at is None:
            # The next try is made from another port: this one may still be somebody's who went (RFC 7675).
            self._leave_path()
            self._failed_checks += 1
            if self._failed_checks >= _MOST_FAILED_CHECKS:
                self._keeper.counters["tcp_strangers_closed"] += 1
                self.abort()

    def _pass_on(self, path: socket.socket, datagram: bytes) -> None:
        try:
            path.send(datagram)
        except OSError:
            self._keeper.counters["tcp_send_failed"] += 1  # as with UDP: a lost packet

    # To the peer

    def _open_path(self) -> socket.socket | None:
        host, port = self._keeper.relay
        path = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            path.setblocking(False)
            path.connect((host, port))  # takes nothing from anybody else
        except OSError:
            path.close()
            self._keeper.counters["tcp_path_failed"] += 1
            return None
        asyncio.get_running_loop().add_reader(path.fileno(), self._path_readable)
        self._path = path
        return path

    def _path_readable(self) -> None:
        frames = []
        for _ in range(_BATCH):
            try:
                frames.append(frame(self._path.recv(LONGEST)))  # type: ignore[union-attr]
            except OSError:
                break  # nothing more; or the relay's port is closed just now
        if self._stream is None or not frames:
            return
        if self._full:
            self._keeper.counters["tcp_slow_dropped"] += len(frames)
        else:
            self._stream.write(b"".join(frames))

    def _leave_path(self) -> None:
        if self._path is not None:
            asyncio.get_running_loop().remove_reader(self._path.fileno())
            self._path.close()
            self._path = None
