"""How a subscriber's bandwidth is shared among the videos it watches. Pure numbers, no clocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

# Loss above a tenth means the path is full, below a fiftieth it is noise: the marks of the loss-based
# controller in draft-ietf-rmcat-gcc-02, section 6.
_CONGESTED: Final = 0.10
_CLEAR: Final = 0.02
_GROWTH: Final = 1.08
_BACK_OFF: Final = 0.85
_FLOOR: Final = 100_000.0


class Budget:
    """What a subscriber's path carries, in bit/s; None as long as nothing speaks against more."""

    def __init__(self) -> None:
        self.bitrate: float | None = None

    def update(self, *, estimate: int | None, loss: float, sent: float) -> float | None:
        """Once a second: the receiver's own estimate (REMB), its lost fraction 0 to 1, and what was sent."""
        congested = loss > _CONGESTED or (estimate is not None and estimate < 0.9 * sent)
        if congested:
            ceiling = self.bitrate if self.bitrate is not None else sent
            seen = estimate if estimate is not None and estimate < sent else ceiling * _BACK_OFF
            self.bitrate = max(_FLOOR, min(ceiling, float(seen)))
        elif self.bitrate is not None and loss < _CLEAR:
            self.bitrate *= _GROWTH
            if self.bitrate > max(2 * sent, 4_000_000.0):
                self.bitrate = None
        return self.bitrate


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
