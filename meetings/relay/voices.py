"""Whose microphones a big room hears: the loudest, and nobody is cut off in the first word."""

from dataclasses import dataclass
from typing import Final

from meetings.relay.plane import NEVER, SILENCE

# Speech is louder; so is what a client's own voice detection marks (the V bit of RFC 6464).
_SPEECH: Final = 50
_PAUSE: Final = 0.2  # a stop between two words: after it a place may be taken by somebody who speaks
_RELEASE: Final = 2.0  # silence after which a place is given up
_LOUDER: Final = 6  # dB by which somebody must outdo the quietest, where all places speak
_INSIST: Final = 0.3  # and for how long
_SMOOTHING: Final = 0.1  # of 50 packets a second: about 0.2 s


@dataclass(slots=True)
class _Voice:
    spoke_at: float = NEVER
    level: float = SILENCE
    louder_since: float | None = None

    def speak(self, level: int, now: float) -> None:
        if now - self.spoke_at > _PAUSE:
            self.level, self.louder_since = float(level), None
        self.level += (level - self.level) * _SMOOTHING
        self.spoke_at = now


class Voices:
    """One room's audible microphones, at most `most` of them; while there are no more, all are.

    Streams are named by any number. Times in seconds, levels in -dBov (0 loudest, 127 silence). The native
    plane has the same rule in `speakers.rs`.
    """

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._members: dict[int, _Voice] = {}
        self._places: dict[int, _Voice] = {}

    def __len__(self) -> int:
        return len(self._members)

    def add(self, member: int) -> None:
        self._members.setdefault(member, _Voice())

    def remove(self, member: int) -> None:
        self._members.pop(member, None)
        self._places.pop(member, None)

    def silence(self, member: int) -> None:
        """They muted: the place is free for whoever speaks."""
        voice = self._members.get(member)
        if voice is not None:
            voice.spoke_at = NEVER

    def hear(self, member: int, level: int | None, now: float, *, voice: bool = False) -> bool:
        """True where a packet of this level is to be forwarded; `voice`: its V bit.

        One without a level always is, as are microphones that never offered to tell: nothing is known that
        would justify to cut them, and they cost what any speaker costs.
        """
        heard = self._members.get(member)
        if heard is None or level is None:
            return True
        if voice or level < _SPEECH:
            heard.speak(level, now)
            if member not in self._places:
                self._contend(member, heard, now)
        elif now - heard.spoke_at > _RELEASE:
            self._places.pop(member, None)
        return member in self._places or len(self._members) <= self._most

    def _contend(self, member: int, voice: _Voice, now: float) -> None:
        """Somebody without a place speaks."""
        if len(self._places) >= self._most:
            loser = self._to_replace(voice, now)
            if loser is None:
                return
            del self._places[loser]
        voice.louder_since = None
        self._places[member] = voice

    def _to_replace(self, voice: _Voice, now: float) -> int | None:
        """The holder silent for longest; where all speak the quietest, once `voice` has insisted."""
        idle = min(self._places, key=lambda held: self._places[held].spoke_at)
        if now - self._places[idle].spoke_at > _PAUSE:
            return idle
        quietest = max(self._places, key=lambda held: self._places[held].level)
        if voice.level > self._places[quietest].level - _LOUDER:
            voice.louder_since = None
            return None
        if voice.louder_since is None:
            voice.louder_since = now
        return quietest if now - voice.louder_since >= _INSIST else None
