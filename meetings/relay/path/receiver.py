"""What a path carries, where the receiver estimates it (REMB) or only tells what it lost."""

from typing import Final

# Loss above a tenth means the path is full, below a fiftieth it is noise: the marks of the loss-based
# controller in draft-ietf-rmcat-gcc-02, section 6.
_CONGESTED: Final = 0.10
_CLEAR: Final = 0.02
_GROWTH: Final = 1.15
_BACK_OFF: Final = 0.85
_FLOOR: Final = 100_000.0
# Beyond this, or twice what is sent, a limit no longer limits.
_PLENTY: Final = 3_000_000.0


class ReceiverBudget:
    """What a subscriber's path carries, in bit/s; None as long as nothing speaks against more.

    A receiver's estimate (REMB) starts low and grows slowly without telling anything; only one that falls,
    and falls below what is sent, tells of a queue that builds up (draft-ietf-rmcat-gcc-02, section 5.5).
    """

    def __init__(self) -> None:
        self.bitrate: float | None = None
        self._estimate: int | None = None

    def update(self, *, estimate: int | None, loss: float, sent: float) -> float | None:
        """Once a second: the receiver's own estimate, its lost fraction 0 to 1, and what was sent."""
        before, self._estimate = self._estimate, estimate
        fell = estimate is not None and before is not None and estimate < 0.95 * before
        if loss > _CONGESTED:
            self._lower((self.bitrate or sent) * _BACK_OFF)
        elif fell and estimate is not None and estimate < 0.9 * sent:
            self._lower(estimate)
        elif self.bitrate is not None and loss < _CLEAR:
            self.bitrate *= _GROWTH
            if self.bitrate > max(2 * sent, _PLENTY):
                self.bitrate = None
        return self.bitrate

    def _lower(self, bitrate: float) -> None:
        limit = bitrate if self.bitrate is None else min(self.bitrate, bitrate)
        self.bitrate = max(_FLOOR, limit)
