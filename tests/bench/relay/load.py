"""The load itself: publishers on time, subscribers read in sweeps, windows in which all is measured."""

import asyncio
import gc
import heapq
import select
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Final

from tests.bench.relay.cast import Cast
from tests.bench.relay.ears import Ears
from tests.bench.relay.media import FRAMES_PER_SECOND, SOUNDS_PER_SECOND
from tests.bench.relay.process import Usage, usage
from tests.bench.relay.publisher import MARK
from tests.bench.relay.watcher import FEEDBACK_EVERY
from tests.peers.descriptions import AUDIO, VIDEO

SWEEP: Final = 0.004  # seconds between two readings of all sockets
LOOP_EVERY: Final = 0.05  # seconds between two turns of the event loop: connectivity checks, signalling
LATE: Final = 0.3  # seconds a packet may take

Act = Callable[[], object]


def _second() -> float:
    return 1.0


@dataclass(frozen=True)
class Mark:
    """One end of a window: Unix ns, the server's CPU, our CPU in s, packets sent per publisher and kind."""

    at: int
    server: Usage
    own: float
    sent: tuple[tuple[int, int], ...]


@dataclass
class Load:
    """`speed` multiplies what publishers send. Events that are due are done in their order.

    Sockets are swept, so that no server pays for waking its receivers, which on a network it would not; with
    `woken` they are waited for as a client on the same machine waits.
    """

    cast: Cast
    pid: int
    speed: float = 1.0
    woken: bool = False
    heard: Ears = field(init=False)
    behind: float = 0.0  # the longest that an event waited, s

    def __post_init__(self) -> None:
        self.heard = Ears({AUDIO, VIDEO}, self._other)
        film = self.cast.publishers[0].media
        self.known = (
            {part[: -MARK.size] for frame in film.frames for part in frame},
            {sound[: -MARK.size] for sound in film.sounds},
        )
        everybody = [*self.cast.publishers, *self.cast.watchers]
        self._lines = list(dict.fromkeys(one.line for one in everybody))
        self.peers = {line: number for number, line in enumerate(self._lines)}
        self._due: list[tuple[float, int, Act, Callable[[], float]]] = []
        self._order = count()
        self._poll = select.epoll()

    def _other(self, peer: int, datagram: bytes) -> None:
        self._lines[peer].datagram_received(datagram, ("", 0))

    # Timing

    def start(self) -> None:
        """Publishers are spread evenly over a frame's and a sound's time."""
        gc.collect()
        gc.freeze()
        gc.disable()
        self._sockets = [(number, line.take_over()) for number, line in enumerate(self._lines)]
        self._numbers = {descriptor: number for number, descriptor in self._sockets}
        now, publishers = time.monotonic() + 0.1, self.cast.publishers
        for number, each in enumerate(publishers):
            share = number / len(publishers)
            self._every(
                now + share / FRAMES_PER_SECOND, each.picture, lambda: 1 / FRAMES_PER_SECOND / self.speed
            )
            self._every(
                now + share / SOUNDS_PER_SECOND, each.sound, lambda: 1 / SOUNDS_PER_SECOND / self.speed
            )
            self._every(now + share, each.report, _second)
        for number, watcher in enumerate(self.cast.watchers):
            self._every(now + 0.2 + number / len(self.cast.watchers), watcher.report, _second)
            self._every(
                now + 0.2 + number / len(self.cast.watchers) * FEEDBACK_EVERY,
                partial(watcher.feedback, self.heard, self.peers[watcher.line]),
                lambda: FEEDBACK_EVERY,
            )
        if self.woken:
            for _, descriptor in self._sockets:
                self._poll.register(descriptor, select.EPOLLIN)
        self._every(now, self.sweep, lambda: 1.0 if self.woken else SWEEP)

    def _every(self, first: float, act: Act, period: Callable[[], float]) -> None:
        heapq.heappush(self._due, (first, next(self._order), act, period))

    def stop(self) -> None:
        """The sockets go back to the event loop."""
        for line in self._lines:
            line.hand_back()
        gc.enable()
        gc.unfreeze()

    async def play(self, seconds: float) -> None:
        end, turn = time.monotonic() + seconds, 0.0
        while (now := time.monotonic()) < end:
            due, order, act, period = self._due[0]
            if due > now:
                self._wait(min(due, end) - now)
                continue
            self.behind = max(self.behind, now - due)
            act()
            heapq.heapreplace(self._due, (max(due + period(), now - LATE), order, act, period))
            if now > turn:
                turn = now + LOOP_EVERY
                await asyncio.sleep(0)

    def _wait(self, seconds: float) -> None:
        if not self.woken:
            time.sleep(seconds)
            return
        for descriptor, _ in self._poll.poll(seconds):
            self.heard.drain(self._numbers[descriptor], descriptor)

    def sweep(self) -> None:
        for number, descriptor in self._sockets:
            self.heard.drain(number, descriptor)
        for watcher in self.cast.watchers:
            if header := self.heard.latest.pop(self.peers[watcher.line], None):
                watcher.note(header)

    def mark(self) -> Mark:
        sent = tuple((len(each.sent[0]), len(each.sent[1])) for each in self.cast.publishers)
        return Mark(time.time_ns(), usage(self.pid), time.process_time(), sent)

    async def window(self, seconds: float) -> tuple[Mark, Mark]:
        """What is sent from one mark to the other, its stragglers awaited."""
        self.behind = 0.0
        began = self.mark()
        await self.play(seconds)
        ended = self.mark()
        await self.play(LATE)
        return began, ended
