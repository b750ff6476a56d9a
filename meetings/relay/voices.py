"""Whose microphones a big room hears: the loudest, and nobody is cut off in the first word."""

from dataclasses import dataclass
from typing import Final

# Speech lies above; so does what a client's own voice detection marks (the V bit of RFC 6464).
_LOUD: Final = 50
_PAUSE: Final = 0.2  # a stop between two words: after it a place may be taken by somebody who speaks
_RELEASE: Final = 2.0  # silence after which a place is given up
_LOUDER: Final = 6  # dB by which somebody must outdo the quietest, where all places speak
_INSIST: Final = 0.3  # and for how long


@dataclass(slots=True)
class _Place:
    loud_at: float
    level: float


class Voices:
    """One room's audible microphones, at most `most` of them; while there are no more, all are.

    Streams are named by any hashable key. Times in seconds, levels in -dBov (0 loudest, 127 silence).
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._members: set[int] = set()
        self._places: dict[int, _Place] = {}
        self._insisting: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._members)

    def add(self, member: int) -> None:
        self._members.add(member)

    def remove(self, member: int) -> None:
        self._members.discard(member)
        self._places.pop(member, None)
        self._insisting.pop(member, None)

    def audible(self, member: int) -> bool:
        return len(self._members) <= self._most or member in self._places

    def hear(self, member: int, level: int, now: float, *, voice: bool = False) -> bool:
        """One packet's level; True where the packet is to be forwarded. `voice`: its V bit."""
        loud = voice or level <= _LOUD
        place = self._places.get(member)
        if place is not None:
            if loud:
                place.loud_at = now
                place.level += (level - place.level) * 0.1
            elif now - place.loud_at > _RELEASE:
                del self._places[member]
                return self.audible(member)
            return True
        if loud and self._take_place(member, level, now):
            return True
        if not loud:
            self._insisting.pop(member, None)
        return self.audible(member)

    def _take_place(self, member: int, level: int, now: float) -> bool:
        if len(self._places) >= self._most:
            loser = self._to_replace(member, level, now)
            if loser is None:
                return False
            del self._places[loser]
        self._insisting.pop(member, None)
        self._places[member] = _Place(now, float(level))
        return True

    def _to_replace(self, member: int, level: int, now: float) -> int | None:
        idle = min(self._places, key=lambda held: self._places[held].loud_at)
        if now - self._places[idle].loud_at > _PAUSE:
            return idle
        quietest = max(self._places, key=lambda held: self._places[held].level)
        if level + _LOUDER > self._places[quietest].level:
            self._insisting.pop(member, None)
            return None
        return quietest if now - self._insisting.setdefault(member, now) >= _INSIST else None
