"""What a path carries, by transport-wide feedback.

After Google congestion control (draft-ietf-rmcat-gcc-02): a growing queue or heavy loss sets the estimate to
a little less than what arrives. It differs where a relay does: its packets are layers that come in steps, so
without evidence against them nothing is limited, and what is held back returns by probes (`probing`).
"""

from typing import Final

from meetings.relay.path.signals import ArrivalRate, BottleneckRate, LossShare, QueueTrend
from meetings.relay.plane import CongestionReport

# draft-ietf-rmcat-gcc-02: β of §5.5, the marks of §6, but for the upper one, a tenth there: the relay
# repairs from its cache what a radio link loses, and a queue that overflows is seen by its delay.
_BACK_OFF: Final = 0.85
_CONGESTED: Final = 0.15
_CLEAR: Final = 0.02
_GROWTH: Final = 1.08  # a second, §5.5
_HEADROOM: Final = 1.5  # times what arrives, §5.5: nothing is known about more than that
_CARRIED: Final = 2.0  # seconds that even out large pictures
_FLOOR: Final = 100_000.0
# Until a smaller layer is on its way (it waits for a keyframe) and the queue has drained, old news comes in.
_SETTLING: Final = 1.0
# Loss that stays when less is sent is the path's own, a radio link's; only more than it counts from then on.
_OWN_LOSS: Final = 0.7
_MOST_OWN_LOSS: Final = 0.25
_OWN_LOSS_FADES: Final = 5.0  # seconds until two thirds of an improvement are believed


class PathEstimate:
    """`bitrate` in bit/s; None as long as nothing speaks against more."""

    def __init__(self) -> None:
        self.bitrate: float | None = None
        self._arriving, self._queue, self._loss = ArrivalRate(), QueueTrend(), LossShare()
        self._carried = ArrivalRate(_CARRIED)
        self._bottleneck = BottleneckRate()
        self._at: float | None = None
        self._settled_at = float("-inf")
        self._settling = False
        self._own_loss = 0.0
        self._loss_before = self._queue_before = 0.0

    @property
    def arriving(self) -> float:
        """Bit/s that are acknowledged."""
        return self._carried.bitrate

    @property
    def loss(self) -> float:
        """The lost fraction, 0 to 1."""
        return self._loss.share

    def congestion(self, report: CongestionReport) -> bool:
        """Takes feedback; True where the path is over-used, at most once a second."""
        elapsed = 0.0 if self._at is None else max(0.0, report.at - self._at)
        self._at = report.at
        self._arriving.add(report)
        self._carried.add(report)
        self._bottleneck.add(report)
        self._queue.add(report)
        self._loss.add(report)
        if report.at < self._settled_at:
            self._settling = True
            return False
        if self._settling:
            self._forget_what_settled()
        self._learn(elapsed)
        if self._overused():
            self._lower(report.at)
            return True
        if report.at >= self._settled_at + _CARRIED:
            self._rise(elapsed)
        return False

    def proven(self, bitrate: float) -> None:
        """A probe has shown that this much (bit/s) gets through."""
        if self.bitrate is not None:
            self.bitrate = max(self.bitrate, bitrate)

    def release(self) -> None:
        """Nothing is held back any more."""
        self.bitrate = None

    def settle(self, until: float) -> None:
        """Signals before `until` are a probe's, not the media's."""
        self._settled_at = max(self._settled_at, until)
        self._settling = True

    def _forget_what_settled(self) -> None:
        self._settling = False
        self._queue.settle()
        self._loss.settle()

    def loses_more(self, loss: LossShare) -> bool:
        """Than this path loses anyway."""
        return loss.above(max(_CONGESTED, 2 * self._own_loss))

    def _overused(self) -> bool:
        if not self._arriving.full:
            return False
        return self._queue.growing or self._stands() or self.loses_more(self._loss)

    def _stands(self) -> bool:
        """A queue that neither grows nor drains; one that does not shrink when less is sent is not ours."""
        queue = self._queue.standing
        if queue and queue > _OWN_LOSS * self._queue_before > 0:
            self._queue.rebase()
            self._queue_before = 0.0
            return False
        return queue > 0

    def _learn(self, elapsed: float) -> None:
        share = self._loss.share
        if self._loss.full and share < self._own_loss:
            self._own_loss += (share - self._own_loss) * min(1.0, elapsed / _OWN_LOSS_FADES)
        if self._loss_before and self._loss.full:
            if share > _OWN_LOSS * self._loss_before:
                self._own_loss = max(self._own_loss, min(share, _MOST_OWN_LOSS))
            self._loss_before = 0.0

    def _lower(self, now: float) -> None:
        lower = max(_FLOOR, _BACK_OFF * max(self._arriving.bitrate, self._bottleneck.bitrate))
        self.bitrate = lower if self.bitrate is None else min(self.bitrate, lower)
        by_loss = self.loses_more(self._loss) and not self._queue.growing
        self._loss_before = self._loss.share if by_loss else 0.0
        self._queue_before = self._queue.standing
        self.settle(now + _SETTLING)

    def _rise(self, elapsed: float) -> None:
        if self.bitrate is not None and self._loss.share <= max(_CLEAR, 2 * self._own_loss):
            higher = min(self.bitrate * _GROWTH**elapsed, _HEADROOM * self._carried.bitrate)
            self.bitrate = max(self.bitrate, higher)
