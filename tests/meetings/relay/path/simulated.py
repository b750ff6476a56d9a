"""A path with a bottleneck, and a relay that sends layers over it; neither sockets nor clocks."""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from meetings.relay.allocator import Demand, allocate
from meetings.relay.path import PathEstimate, Prober
from meetings.relay.plane import CongestionReport

STEP = 0.005  # seconds
LAYERS = {0: 150_000.0, 1: 500_000.0, 2: 1_700_000.0}
SOUND = 40_000.0
FEEDBACK = 0.1
SWITCH = 0.4  # until a layer's keyframe is here
_PICTURE = 1 / 30
_PACKET = 1_100


@dataclass
class Weather:
    """What the path is like now: bit/s, lost fraction, seconds."""

    capacity: float = 50e6
    loss: float = 0.0
    delay: float = 0.02
    jitter: float = 0.0
    queue: float = 0.3


@dataclass
class Network:
    """One direction, packets in order."""

    weather: Weather
    chance: random.Random
    free_at: float = 0.0
    arrived_at: float = 0.0

    def carry(self, size: int, now: float) -> float | None:
        """When a packet arrives; None where it is lost."""
        weather = self.weather
        if self.chance.random() < weather.loss or self.free_at - now > weather.queue:
            return None
        self.free_at = max(now, self.free_at) + size * 8 / weather.capacity
        at = self.free_at + weather.delay + self.chance.uniform(0, weather.jitter)
        self.arrived_at = max(self.arrived_at, at)
        return self.arrived_at


@dataclass
class Second:
    """What the subscriber had in one second."""

    estimate: float | None
    layer: int | None


@dataclass
class Call:
    """A relay that sends one video and one voice to one subscriber."""

    weather: Weather
    seed: int = 1
    answers_lost: float = 0.0
    repairs: bool = True  # probes can be sent
    now: float = 0.0
    seconds: list[Second] = field(default_factory=list)
    switches: int = 0
    probes: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.network = Network(self.weather, self.chance)
        self.path = PathEstimate()
        self.prober = Prober(self.path)
        self.layer: int | None = 2
        self._sending: int | None = 2
        self._switch_at: float | None = None
        self._flight: deque[tuple[float, float | None, int]] = deque()
        self._owed = {"sound": 0.0, "probe": 0.0}
        self._next_picture = self._next_feedback = self._next_share = 0.0
        self._probe: tuple[float, float] = (0.0, 0.0)
        self._needed: float | None = None
        self._last = (0.0, 0.0)

    def run(self, seconds: float, each_second: Callable[[], None] = lambda: None) -> "Call":
        end = self.now + seconds
        while self.now < end:
            before = int(self.now)
            self.now += STEP
            self._send()
            self._receive()
            self._decide()
            if int(self.now) != before:
                self.seconds.append(Second(self.path.bitrate, self.layer))
                each_second()
        return self

    def _send(self) -> None:
        self._trickle("sound", SOUND, 100)
        if self.now < self._probe[1]:
            self._trickle("probe", self._probe[0], 1000)
        if self.now >= self._next_picture:
            self._next_picture += _PICTURE
            if self._sending is not None:
                size = LAYERS[self._sending] / 8 * _PICTURE * self.chance.uniform(0.7, 1.3)
                for _ in range(max(1, round(size / _PACKET))):
                    self._packet(int(min(size, _PACKET)))

    def _trickle(self, kind: str, bitrate: float, size: int) -> None:
        self._owed[kind] += bitrate * STEP / 8
        while self._owed[kind] >= size:
            self._owed[kind] -= size
            self._packet(size)

    def _packet(self, size: int) -> None:
        self._flight.append((self.now, self.network.carry(size, self.now), size))

    def _receive(self) -> None:
        """Feedback on what has arrived; the packets before the last that arrived and did not are lost."""
        if self.now < self._next_feedback:
            return
        self._next_feedback += FEEDBACK
        reach = max(
            (n for n, (_, at, _) in enumerate(self._flight) if at is not None and at <= self.now), default=-1
        )
        acknowledged = [self._flight.popleft() for _ in range(reach + 1)]
        here = [(sent, at, size) for sent, at, size in acknowledged if at is not None]
        if not here or self.chance.random() < self.answers_lost:
            return
        sent, at, _ = here[-1]
        first = (here[0][0], here[0][1]) if self._last == (0.0, 0.0) else self._last
        report = CongestionReport(
            at=self.now + self.weather.delay,
            received=len(here),
            lost=len(acknowledged) - len(here),
            octets=sum(size for _, _, size in here),
            sent_span_us=round((sent - first[0]) * 1e6),
            arrival_span_us=round((at - first[1]) * 1e6),
        )
        self._last = sent, at
        if self.path.congestion(report):
            self.prober.congested(self.now)
            self._next_share = self.now
        self.prober.congestion(report)

    def _decide(self) -> None:
        probe = self.prober.due(self.now, self._needed)
        if probe is not None:
            self.probes += 1
            if self.repairs:
                self._probe = probe.bitrate, self.now + probe.seconds
        if self.now >= self._next_share:
            self._next_share += 0.25
            self._share()
        if self._switch_at is not None and self.now >= self._switch_at:
            self._sending, self._switch_at = self.layer, None

    def _share(self) -> None:
        estimate = self.path.bitrate
        budget = None if estimate is None else estimate - SOUND
        shared = allocate(budget, [Demand("v", 2, LAYERS, held=self.layer)], may_pause=True)
        self._needed = None if shared.missing is None or estimate is None else estimate + shared.missing
        granted = shared.granted["v"]
        if granted != self.layer:
            self.layer = granted
            self.switches += 1
            self._switch_at = self.now + (SWITCH if granted is not None else 0)
