"""Time as one recording counts it."""

from meetings.relay.interface import Clock


class SteadyClock:
    """Its wall time runs on evenly from when it was made, even where the machine's is set meanwhile.

    Tracks of one recording are placed by when their packets arrived: an hour's step would tear them apart.
    `interface.Clock`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall_ns, self._since = clock.wall_ns(), clock.monotonic()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def wall_ns(self) -> int:
        return self._wall_ns + round((self._clock.monotonic() - self._since) * 1e9)
