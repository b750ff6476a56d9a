"""Trying a path upward: rarely while it refuses, quickly while it gives way."""

from dataclasses import dataclass, field
from typing import Final

from meetings.relay.path.estimate import PathEstimate
from meetings.relay.path.signals import ArrivalRate, LossShare, QueueTrend
from meetings.relay.plane import CongestionReport

# What is too much by half for so long is a queue of 0.15 s, which the next picture hides.
_LENGTH: Final = 0.3
_ANSWER: Final = 0.6  # seconds from a probe's end until its feedback must be here
_DRAIN: Final = 0.7
_FIRST_STEP: Final = 1.5
_NEXT_STEP: Final = 2.0  # where the last one went through
_MARGIN: Final = 1.1  # a layer's bitrate varies
_THROUGH: Final = 0.85
_UNSEEN: Final = 1.15
# Seconds between tries. The longest leaves time for the steps up within ten seconds of the path's recovery.
_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 3.5
_QUICK: Final = 0.5  # a layer that was granted is on its way
# Where the media themselves must try, each refusal is seen as a freeze; this long they may show themselves.
_LONGEST_BLIND: Final = 16.0
_BLIND_AFTER: Final = 3  # probes that nothing was seen of
_TRIAL: Final = 3.0


@dataclass(frozen=True, slots=True)
class Probe:
    """To be sent now: `bitrate` (bit/s) beside the media, for so many `seconds`."""

    bitrate: float
    seconds: float


@dataclass(slots=True)
class _Attempt:
    target: float
    before: float
    ends: float
    arriving: ArrivalRate = field(default_factory=lambda: ArrivalRate(_LENGTH / 2))
    queue: QueueTrend = field(default_factory=lambda: QueueTrend(measures=3))
    loss: LossShare = field(default_factory=LossShare)
    peak: float = 0.0

    def add(self, report: CongestionReport) -> None:
        self.arriving.add(report)
        self.queue.add(report)
        self.loss.add(report)
        if self.arriving.full:
            self.peak = max(self.peak, self.arriving.bitrate)

    @property
    def unseen(self) -> bool:
        """Nothing was sent, though what should have been would show."""
        return self.peak < _UNSEEN * self.before and self.target > _UNSEEN**2 * self.before

    @property
    def went_through(self) -> bool:
        """Lost packets, and lost feedback, take from what is seen to arrive."""
        return self.peak >= _THROUGH * (1 - 2 * self.loss.share) * self.target


class Prober:
    """Probes for one `PathEstimate`, which is set to what gets through.

    A path over which no probe can be sent (no RTX) is tried with the media itself.
    """

    def __init__(self, path: PathEstimate) -> None:
        self._path = path
        self._attempt: _Attempt | None = None
        self._pause = _PAUSE
        self._step = _FIRST_STEP
        self._next_at = float("-inf")
        self._unseen, self._blind = 0, False
        self._trusted_until = float("-inf")

    def congested(self, now: float) -> None:
        """The media alone are too much."""
        self._attempt = None
        self._step = _FIRST_STEP
        if now < self._trusted_until:
            self._pause = min(2 * self._pause, _LONGEST_BLIND)
        self._next_at = now + self._pause + _PAUSE

    def congestion(self, report: CongestionReport) -> None:
        """Takes feedback, after the estimate has."""
        attempt = self._attempt
        if attempt is None:
            return
        attempt.add(report)
        if attempt.queue.growing or self._path.loses_more(attempt.loss):
            self._refused(attempt, report.at)

    def due(self, now: float, needed: float | None) -> Probe | None:
        """A probe to send now. `needed`: bit/s in all with the next layer up; None: nothing is held back."""
        if self._attempt is not None:
            if now < self._attempt.ends:
                return None
            self._conclude(self._attempt, now)
        estimate = self._path.bitrate
        if estimate is None or needed is None or now < self._next_at:
            return None
        if self._blind:
            self._trust(now, _MARGIN * needed)
            return None
        before = self._path.arriving
        target = min(_MARGIN * needed, max(estimate, before) * self._step)
        extra = target - before
        if target <= estimate or extra <= 0:
            return None
        self._attempt = _Attempt(target, before, now + _LENGTH + _ANSWER)
        self._path.settle(self._attempt.ends)
        return Probe(extra, _LENGTH)

    def _trust(self, now: float, bitrate: float) -> None:
        """Lets the media themselves try."""
        if now > self._trusted_until:
            self._pause = max(_PAUSE, self._pause / 2)
        self._path.proven(bitrate)
        self._next_at = self._trusted_until = now + _TRIAL

    def _conclude(self, attempt: _Attempt, now: float) -> None:
        if attempt.unseen:
            self._attempt, self._step = None, _NEXT_STEP
            self._unseen += 1
            self._blind = self._unseen >= _BLIND_AFTER
            self._next_at = now + _PAUSE
        elif attempt.went_through:
            self._attempt = None
            self._pause, self._step, self._unseen = _PAUSE, _NEXT_STEP, 0
            self._path.proven(attempt.target)
            self._next_at = now + _QUICK
        else:
            self._refused(attempt, now)

    def _refused(self, attempt: _Attempt, now: float) -> None:
        self._attempt, self._unseen = None, 0
        self._path.settle(now + _DRAIN)
        self._path.proven(_THROUGH * min(attempt.peak, attempt.target))
        self._pause, self._step = min(2 * self._pause, _LONGEST_PAUSE), _FIRST_STEP
        self._next_at = now + self._pause
