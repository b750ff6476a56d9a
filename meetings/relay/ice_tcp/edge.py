"""ICE over TCP (RFC 6544): passive candidates at the number of the relay's UDP port.

For networks that let no UDP through. The data planes know nothing of it: to them each connection is an
address on loopback.
"""

import asyncio
import errno
import socket
from collections import Counter
from typing import Final

from meetings.relay.ice_tcp.connection import CheckReceived, Connection
from meetings.relay.interface import Address, Clock, RelayLimits

_SWEEP_EVERY: Final = 1.0  # seconds
_WAITING: Final = 128


class TcpUnavailable(OSError):
    """The port cannot be listened on; `strerror` is for the operator."""


class TcpEdge:
    """Owner of the listening sockets and of all connections. Packets that cannot be passed on are counted."""

    def __init__(
        self, *, bind: str, check_received: CheckReceived, clock: Clock, limits: RelayLimits
    ) -> None:
        self._bind, self.check_received = bind, check_received
        self.clock, self._limits = clock, limits
        self.counters: Counter[str] = Counter()
        self.backlog = limits.tcp_backlog
        self.relay: Address = ("", 0)
        self._servers: list[asyncio.Server] = []
        # In the order of their coming: the oldest stranger goes when there are too many.
        self._strangers: dict[Connection, None] = {}
        self._known: dict[Connection, None] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._empty: asyncio.Event | None = None

    @property
    def connections(self) -> int:
        """How many there are now, strangers included."""
        return len(self._strangers) + len(self._known)

    async def start(self, port: int) -> None:
        """Listens at `port`, to which UDP is bound already. Raises TcpUnavailable."""
        self.relay = (self._bind or "127.0.0.1", port)
        loop = asyncio.get_running_loop()
        try:
            for sock in _listening(self._bind, port):
                self._servers.append(await loop.create_server(lambda: Connection(self), sock=sock))
        except OSError as error:
            await self.stop()
            words = f"{error.strerror} (for TCP; VISIO_MEDIA_TCP=off, or --no-tcp, does without)"
            raise TcpUnavailable(error.errno, words) from error
        self._sweep = loop.call_later(_SWEEP_EVERY, self._sweep_silent)

    async def stop(self) -> None:
        """Closes everything at once."""
        if self._sweep is not None:
            self._sweep.cancel()
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        for connection in (*self._strangers, *self._known):
            connection.abort()
        if self.connections:
            self._empty = asyncio.Event()
            await self._empty.wait()

    # connection.Keeper

    def opened(self, connection: Connection) -> None:
        if self.connections >= self._limits.tcp_connections:
            self.counters["tcp_refused"] += 1
            connection.abort()
            return
        self._strangers[connection] = None
        if len(self._strangers) > self._limits.tcp_strangers:
            # An honest peer's first check comes within a round trip: the oldest is the least likely one.
            self._send_away(next(iter(self._strangers)))

    def proved(self, connection: Connection) -> None:
        if connection in self._strangers:
            del self._strangers[connection]
            self._known[connection] = None

    def closed(self, connection: Connection) -> None:
        self._strangers.pop(connection, None)
        self._known.pop(connection, None)
        if not self.connections and self._empty is not None:
            self._empty.set()

    def _send_away(self, stranger: Connection) -> None:
        del self._strangers[stranger]
        self.counters["tcp_strangers_closed"] += 1
        stranger.abort()

    def _sweep_silent(self) -> None:
        now = self.clock.monotonic()
        for stranger in [each for each in self._strangers if now - each.since > self._limits.tcp_first_check]:
            self._send_away(stranger)
        for known in [each for each in self._known if now - (each.heard_at or now) > self._limits.consent]:
            self.counters["tcp_silent_closed"] += 1
            known.abort()
        self._sweep = asyncio.get_running_loop().call_later(_SWEEP_EVERY, self._sweep_silent)


def _listening(bind: str, port: int) -> list[socket.socket]:
    if bind:
        return [_bound(socket.AF_INET6 if ":" in bind else socket.AF_INET, bind, port)]
    four = _bound(socket.AF_INET, "0.0.0.0", port)
    try:
        return [four, _bound(socket.AF_INET6, "::", port)]
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            four.close()
            raise
        return [four]  # a machine without IPv6, as `datagrams` has said


def _bound(family: int, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind((host, port))
        sock.listen(_WAITING)
    except OSError:
        sock.close()
        raise
    return sock
