"""A bad path in a process of its own: UDP of one address handed on to another, late, in part, or never.

``python -m tests.peers.impairment HERE THERE PORTS`` (PORTS as 40000-40019) takes what comes to address HERE
at each port + `SHIFT` to the port of THERE, and back, IPv4: a wildcard socket has the port on every address.
Each line of standard input is JSON and sets both ways from then on: ``{"up": {…}, "down": {…}}`` with fields
of `Way`. Up is from HERE to THERE.
"""

import heapq
import json
import random
import selectors
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import count
from subprocess import PIPE, Popen
from types import TracebackType
from typing import Any, Final

from visio_portal.environment import ROOT

Address = tuple[str, int]
SHIFT: Final = 5000
_READY: Final = "ready"


@dataclass(frozen=True)
class Way:
    """One direction: lost fraction, seconds on the way and by how much they vary, bit/s (0: any), and for how
    many seconds of it the bottleneck's queue has room. Packets stay in order."""

    loss: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    rate: float = 0.0
    queue: float = 0.3


@dataclass
class _Path:
    way: Way = field(default_factory=Way)
    free_at: float = 0.0
    last_at: float = 0.0

    def carry(self, octets: int, now: float) -> float | None:
        """When a datagram comes out; None: never."""
        way = self.way
        if random.random() < way.loss:
            return None
        start = now
        if way.rate:
            start = max(now, self.free_at)
            if start - now > way.queue:
                return None
            self.free_at = start = start + octets * 8 / way.rate
        self.last_at = max(self.last_at, start + way.delay + random.uniform(0, way.jitter))
        return self.last_at


class Path:
    """Everything that runs in the process; one pair of ways for all who come through."""

    def __init__(self, here: str, there: str, ports: range) -> None:
        self._there = there
        self._up, self._down = _Path(), _Path()
        self._selector = selectors.DefaultSelector()
        self._backs: dict[tuple[Address, int], socket.socket] = {}
        self._waiting: list[tuple[float, int, socket.socket, bytes, Address]] = []
        self._numbers = count()
        for port in ports:
            front = self._bound(here, port + SHIFT)
            self._selector.register(
                front, selectors.EVENT_READ, lambda s=front, p=port: self._from_here(s, p)
            )
        self._selector.register(sys.stdin, selectors.EVENT_READ, self._told)
        self._text = b""
        self._open = True

    def run(self) -> None:
        """Until standard input ends."""
        while self._open:
            wait = max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting else None
            for key, _ in self._selector.select(wait):
                key.data()
            now = time.monotonic()
            while self._waiting and self._waiting[0][0] <= now:
                _, _, sender, data, address = heapq.heappop(self._waiting)
                try:
                    sender.sendto(data, address)
                except OSError:
                    continue  # its far end has gone

    def _bound(self, host: str, port: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.bind((host, port))
        sock.setblocking(False)
        return sock

    def _told(self) -> None:
        line = sys.stdin.buffer.raw.read(65_536)  # type: ignore[attr-defined]
        self._open = bool(line)
        *lines, self._text = (self._text + line).split(b"\n")
        for text in lines:
            ways = json.loads(text)
            self._up.way, self._down.way = Way(**ways["up"]), Way(**ways["down"])

    def _from_here(self, front: socket.socket, port: int) -> None:
        try:
            data, client = front.recvfrom(65_536)
        except OSError:
            return
        back = self._backs.get((client, port))
        if back is None:
            back = self._backs[client, port] = self._bound(self._there, 0)
            self._selector.register(back, selectors.EVENT_READ, lambda: self._from_there(back, front, client))
        self._hand_on(self._up, back, data, (self._there, port))

    def _from_there(self, back: socket.socket, front: socket.socket, client: Address) -> None:
        try:
            data = back.recv(65_536)
        except OSError:
            return
        self._hand_on(self._down, front, data, client)

    def _hand_on(self, path: _Path, sender: socket.socket, data: bytes, address: Address) -> None:
        at = path.carry(len(data), time.monotonic())
        if at is not None:
            heapq.heappush(self._waiting, (at, next(self._numbers), sender, data, address))


class Impairment:
    """The process, seen from the test; a context manager."""

    def __init__(self, here: str, there: str, ports: range) -> None:
        self._command = [sys.executable, "-m", __name__, here, there, f"{ports[0]}-{ports[-1]}"]

    def __enter__(self) -> "Impairment":
        self._process = Popen(self._command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT)
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != _READY:
            raise OSError("the bad path could not be laid")
        return self

    def set(self, *, up: Way | None = None, down: Way | None = None) -> None:
        """Both ways, from now on; None is a good one."""
        assert self._process.stdin is not None
        ways: Mapping[str, Any] = {"up": asdict(up or Way()), "down": asdict(down or Way())}
        self._process.stdin.write(json.dumps(ways) + "\n")
        self._process.stdin.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


def main(here: str, there: str, ports: str) -> None:
    first, last = map(int, ports.split("-"))
    path = Path(here, there, range(first, last + 1))
    sys.stdout.write(f"{_READY}\n")
    sys.stdout.flush()
    path.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
