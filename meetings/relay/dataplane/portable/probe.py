"""Trying a path upward: how much may be sent beside the media, and until when."""

from typing import Final

# A turn that comes late makes up for no more than this (s).
_LONGEST_TURN: Final = 0.05
_HIGHEST: Final = 20e6
_LONGEST: Final = 10.0


class Probe:
    """`bitrate` bit/s for so many `seconds`, bounded; evenly, for a burst would queue on any path."""

    def __init__(self, bitrate: float, seconds: float, now: float) -> None:
        self._bitrate, self._until = min(bitrate, _HIGHEST), now + min(seconds, _LONGEST)
        self._at = now
        self._earned = 0.0

    def over(self, now: float) -> bool:
        return now >= self._until and self._at >= self._until

    def earn(self, now: float) -> None:
        """A turn of the timer."""
        passed = max(0.0, min(now, self._until) - self._at)
        self._at = max(self._at, now)
        self._earned += min(passed, _LONGEST_TURN) * self._bitrate / 8

    @property
    def may_send(self) -> bool:
        return self._earned > 0

    def spend(self, octets: int) -> None:
        self._earned -= octets
