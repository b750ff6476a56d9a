"""The common time axis of one recording."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timeline:
    """Zero is `started_wall_ns` (server's Unix time in ns); the recording lasts `duration` seconds."""

    started_wall_ns: int
    duration: float

    def __post_init__(self) -> None:
        if not self.duration > 0:
            raise ValueError(f"a recording of {self.duration} seconds")

    def seconds(self, wall_ns: float) -> float:
        """Seconds since the recording's start; negative before it."""
        return (wall_ns - self.started_wall_ns) / 1e9

    def samples(self, rate: int) -> int:
        """How many samples at `rate` Hz the whole recording has."""
        return round(self.duration * rate)
