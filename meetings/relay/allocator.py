"""How a subscriber's bandwidth is shared among the videos it watches. Pure numbers, no clocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


class Budget:
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


@dataclass(frozen=True, slots=True)
class Demand:
    """One watched video: `bitrates` by quality of the layers that arrive, none above `wanted` matter.

    `rank` orders tracks: 0 is served first (a shared screen, the speaker), thumbnails last.
    """

    track: str
    wanted: int
    bitrates: Mapping[int, float]
    rank: int = 1


def allocate(budget: float | None, demands: Sequence[Demand], *, may_pause: bool) -> dict[str, int | None]:
    """The highest quality each track may have; None: pause it.

    Everyone first gets the smallest layer, in order of rank; what is left raises them, again by rank.
    Where pausing is not allowed the smallest layer is granted beyond the budget.
    """
    if budget is None:
        return {demand.track: demand.wanted for demand in demands}
    left = budget
    granted: dict[str, int | None] = {}
    ordered = sorted(demands, key=lambda demand: (demand.rank, demand.wanted))
    for demand in ordered:
        lowest = min(demand.bitrates, default=None)
        if lowest is None:
            granted[demand.track] = demand.wanted
        elif demand.bitrates[lowest] <= left or not may_pause:
            granted[demand.track] = lowest
            left -= demand.bitrates[lowest]
        else:
            granted[demand.track] = None
    for demand in ordered:
        left = _raise(demand, granted, left)
    return granted


def _raise(demand: Demand, granted: dict[str, int | None], left: float) -> float:
    """Lifts one track as far as `left` allows; what remains."""
    held = granted[demand.track]
    if held is None or held not in demand.bitrates:
        return left
    for quality in sorted(demand.bitrates, reverse=True):
        extra = demand.bitrates[quality] - demand.bitrates[held]
        if held < quality <= demand.wanted and extra <= left:
            granted[demand.track] = quality
            return left - extra
    return left
