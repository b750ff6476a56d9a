"""When packets left for one peer, and what its feedback says of their journey."""

from typing import Final

from meetings.relay.plane import CongestionReport
from meetings.relay.rtcp import TransportFeedback

# Feedback comes every 50 to 100 ms; a thousand packets are a second of 10 Mbit/s.
_KEPT: Final = 1024
_REFERENCE_US: Final = 64_000
_WRAP_US: Final = _REFERENCE_US << 24


class Departures:
    """Numbers packets transport-wide and keeps when they left and how long they were."""

    def __init__(self) -> None:
        self._next = 0
        self._left: list[tuple[int, int, int] | None] = [None] * _KEPT  # number, µs, octets
        self._told = -1  # the highest number that feedback spoke of
        self._last: tuple[int, int] | None = None  # when that packet left and arrived, µs

    def number(self) -> int:
        """The next packet's 16-bit number."""
        return self._next & 0xFFFF

    def note(self, octets: int, now: float) -> None:
        """The packet with `number()` has left."""
        self._left[self._next % _KEPT] = self._next, int(now * 1_000_000), octets
        self._next += 1

    def digest(self, feedback: TransportFeedback, now: float) -> CongestionReport | None:
        """None where the feedback speaks of nothing that was sent and not told of before."""
        arrival = feedback.reference_time * _REFERENCE_US
        received = lost = octets = 0
        newest: tuple[int, int] | None = None
        for sequence, delta in feedback.received:
            arrival += delta or 0
            entry = self._take(sequence, keep=delta is None)
            if entry is None:
                continue
            if delta is None:
                lost += entry[0] > self._told
                continue
            received += 1
            octets += entry[2]
            if entry[0] >= self._told:
                self._told, newest = entry[0], (entry[1], arrival)
        if not received and not lost:
            return None
        before, self._last = self._last, newest or self._last
        sent_span = arrival_span = 0
        if before is not None and newest is not None:
            sent_span = newest[0] - before[0]
            arrival_span = (newest[1] - before[1] + _WRAP_US // 2) % _WRAP_US - _WRAP_US // 2
        return CongestionReport(now, received, lost, octets, sent_span, arrival_span)

    def _take(self, sequence: int, *, keep: bool) -> tuple[int, int, int] | None:
        """What is known of a packet. One acknowledged is told of once, one missing may still come."""
        number = self._next - 1 - ((self._next - 1 - sequence) & 0xFFFF)
        if number < 0:
            return None
        entry = self._left[number % _KEPT]
        if entry is None or entry[0] != number:
            return None
        if not keep:
            self._left[number % _KEPT] = None
        return entry
