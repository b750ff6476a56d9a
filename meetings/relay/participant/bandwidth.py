"""One subscriber's bandwidth: what their path carries, and which video gets how much of it."""

from collections.abc import Callable, Collection
from typing import Final

from livekit.protocol.models import TrackSource

from meetings.relay.allocator import Allocation, Demand, allocate
from meetings.relay.downtrack import DownTrack
from meetings.relay.interface import RelayLimits
from meetings.relay.layers import HIGH
from meetings.relay.path import PathEstimate, Probe, Prober, ReceiverBudget
from meetings.relay.plane import NEVER, CongestionReport

_EVERY: Final = 1.0  # seconds
_EVERY_WHILE_SHORT: Final = 0.25
_REPORTED_FOR: Final = 3.0  # seconds without feedback after which what the receiver says counts again
_EASY: Final = 10.0  # seconds without anything held back after which there is no limit any more
# Whoever spoke so recently keeps their place: conversations go to and fro.
_SPEAKING: Final = 10.0
_SCREEN_RANK, _SPEAKER_RANK, _OTHER_RANK = range(3)


class Bandwidth:
    """Shares a path among videos; voices come first, nothing of them is held back.

    `spoke_at(publisher)`: when somebody was last heard speaking (monotonic seconds).
    """

    def __init__(self, limits: RelayLimits, spoke_at: Callable[[str], float]) -> None:
        self._limits, self._spoke_at = limits, spoke_at
        self.path = PathEstimate()
        self.receiver = ReceiverBudget()
        self.may_pause = True
        self._prober = Prober(self.path)
        self._needed: float | None = None
        self._reported_at = self._shared_at = self._measured_at = self._short_at = NEVER
        self._at_once = False
        self._octets: dict[int, int] = {}
        self._sound = 0.0

    def congestion(self, report: CongestionReport) -> None:
        """Transport-wide feedback."""
        self._reported_at = report.at
        if self.path.congestion(report):
            self._prober.congested(report.at)
            self._at_once = True
        self._prober.congestion(report)

    def probe(self, now: float) -> Probe | None:
        """A try upward that is due."""
        return self._prober.due(now, self._needed)

    def due(self, now: float) -> bool:
        """Whether it is time to `share` anew; cheap."""
        every = _EVERY if self.path.bitrate is None else _EVERY_WHILE_SHORT
        return self._at_once or now - self._shared_at >= every

    def share(
        self, downs: Collection[DownTrack], now: float, *, estimate: int | None, loss: float
    ) -> list[DownTrack]:
        """Sets what each may have by fresh reports; those that were paused or go on. `estimate` is the
        receiver's own (REMB, bit/s), `loss` what it lost, 0 to 1."""
        self._shared_at, self._at_once = now, False
        self._measure(downs, now, estimate, loss)
        videos = [down for down in downs if down.up.is_video and down.watched]
        videos.sort(key=lambda down: -self._spoke_at(down.up.publisher_sid))
        budget = self._budget(now)
        left = None if budget is None else max(0.0, budget - self._sound)
        demands = [self._demand(down, now) for down in videos]
        shared = allocate(left, demands, may_pause=self.may_pause, most=self._limits.videos)
        self._plan(budget, shared, now)
        return [down for down in videos if _apply(down, shared, unlimited=budget is None)]

    def _measure(self, downs: Collection[DownTrack], now: float, estimate: int | None, loss: float) -> None:
        """Once a second: what was sent, and what a receiver without transport-wide feedback makes of it."""
        elapsed = now - self._measured_at
        if elapsed < _EVERY:
            return
        self._measured_at = now
        octets = {down.number: down.report.octets for down in downs}
        rates = {n: max(0, sent - self._octets.get(n, 0)) * 8 / elapsed for n, sent in octets.items()}
        self._octets = octets
        self._sound = sum(rates[down.number] for down in downs if not down.up.is_video)
        self.receiver.update(estimate=estimate, loss=loss, sent=sum(rates.values()))

    def _budget(self, now: float) -> float | None:
        reported = now - self._reported_at < _REPORTED_FOR
        return self.path.bitrate if reported else self.receiver.bitrate

    def _plan(self, budget: float | None, shared: Allocation, now: float) -> None:
        """What to probe for; a path that has carried everything for a while is not limited any more."""
        missing = shared.missing
        self._needed = None if budget is None or missing is None else budget + missing
        if budget is None or missing is not None:
            self._short_at = now
        elif now - self._short_at > _EASY:
            self.path.release()

    def _demand(self, down: DownTrack, now: float) -> Demand:
        bitrates = {layer.quality: layer.bitrate for layer in down.up.live_layers(now)}
        return Demand(
            down.up.info.sid,
            down.wanted,
            bitrates,
            rank=self._rank(down, now),
            held=None if down.paused else down.ceiling,
        )

    def _rank(self, down: DownTrack, now: float) -> int:
        if down.up.info.source == TrackSource.SCREEN_SHARE:
            return _SCREEN_RANK
        spoke = now - self._spoke_at(down.up.publisher_sid) < _SPEAKING
        return _SPEAKER_RANK if spoke else _OTHER_RANK


def _apply(down: DownTrack, shared: Allocation, *, unlimited: bool) -> bool:
    """True where the subscription was paused or goes on."""
    granted = shared.granted[down.up.info.sid]
    was = down.paused
    down.paused = granted is None
    down.surplus = unlimited and down.paused
    down.ceiling = HIGH if granted is None or (unlimited and granted == down.wanted) else granted
    return was != down.paused
