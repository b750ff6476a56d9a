"""How a subscriber's bandwidth is shared among the videos it watches. Pure numbers, no clocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

# Layers vary: one that is held may cost a little more than there is, one that is new must leave room.
_HELD: Final = 0.9
_NEW: Final = 1.1


@dataclass(frozen=True, slots=True)
class Demand:
    """One watched video: `bitrates` by quality of the layers that arrive, none above `wanted` matter.

    `rank` orders tracks: 0 is served first (a shared screen, the speaker), thumbnails last. `held` is the
    quality granted last, None where it was paused or is new.
    """

    track: str
    wanted: int
    bitrates: Mapping[int, float]
    rank: int = 1
    held: int | None = None

    def cost(self, quality: int) -> float:
        """What granting a layer takes from the budget (bit/s): less for what is held, so nothing flickers."""
        held = self.held is not None and quality <= self.held
        return self.bitrates[quality] * (_HELD if held else _NEW)


@dataclass(frozen=True, slots=True)
class Allocation:
    """The highest quality each track may have, None: pause it. `missing`: what the next step upward costs
    beyond the budget (bit/s), None where everyone has what they want."""

    granted: Mapping[str, int | None]
    missing: float | None = None


def allocate(
    budget: float | None, demands: Sequence[Demand], *, may_pause: bool, most: int | None = None
) -> Allocation:
    """Shares `budget` bit/s, None without limit, among at most `most` videos.

    Everyone first gets the smallest layer, in order of rank; what is left raises them, again by rank. Where
    pausing is not allowed the smallest layer is granted beyond the budget, and to those beyond `most`.
    """
    ordered = sorted(demands, key=lambda demand: (demand.rank, -demand.wanted))
    shown, left_out = ordered[:most], ordered[len(ordered[:most]) :]
    granted = {demand.track: None if may_pause else _lowest(demand) for demand in left_out}
    if budget is None:
        return Allocation(granted | {demand.track: demand.wanted for demand in shown})
    share = _Share(budget)
    for demand in shown:
        granted[demand.track] = share.begin(demand, may_pause=may_pause)
    for demand in shown:
        granted[demand.track] = share.lift(demand, granted[demand.track])
    return Allocation(granted, share.missing)


class _Share:
    def __init__(self, budget: float) -> None:
        self._left = budget
        self.missing: float | None = None

    def begin(self, demand: Demand, *, may_pause: bool) -> int | None:
        """The smallest layer."""
        if not demand.bitrates:
            return demand.wanted
        lowest = min(demand.bitrates)
        if self._take(demand.cost(lowest)):
            return lowest
        if may_pause:
            return None
        self._left -= demand.cost(lowest)
        return lowest

    def lift(self, demand: Demand, begun: int | None) -> int | None:
        """As far up as there is room."""
        granted = begun
        while granted is not None and granted in demand.bitrates:
            above = [quality for quality in demand.bitrates if granted < quality <= demand.wanted]
            if not above or not self._take(demand.cost(min(above)) - demand.cost(granted)):
                break
            granted = min(above)
        return granted

    def _take(self, bitrate: float) -> bool:
        if bitrate <= self._left:
            self._left -= bitrate
            return True
        lacking = bitrate - self._left
        self.missing = lacking if self.missing is None else min(self.missing, lacking)
        return False


def _lowest(demand: Demand) -> int:
    return min(demand.bitrates, default=demand.wanted)
