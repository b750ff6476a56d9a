"""When packets left for one peer, and what its feedback says of their journey."""

from dataclasses import dataclass
from typing import Final

from meetings.relay.plane import CongestionReport
from meetings.relay.rtcp import TransportFeedback

# Feedback comes every 50 to 100 ms; two seconds of 10 Mbit/s.
_KEPT: Final = 2048
_REFERENCE_US: Final = 64_000
_WRAP_US: Final = _REFERENCE_US << 24


@dataclass(slots=True)
class _Departure:
    number: int
    left: int  # µs
    octets: int
    missed: bool = False


class Departures:
    """Numbers packets transport-wide and keeps when they left and how long they were."""

    def __init__(self) -> None:
        self._next = 0
        self._kept: list[_Departure | None] = [None] * _KEPT
        self._told = -1  # the highest number that was acknowledged
        self._last: tuple[int, int] | None = None  # when that packet left and arrived, µs

    def number(self) -> int:
        """The next packet's 16-bit number."""
        return self._next & 0xFFFF

    def note(self, octets: int, now: float) -> None:
        """The packet with `number()` has left."""
        self._kept[self._next % _KEPT] = _Departure(self._next, int(now * 1_000_000), octets)
        self._next += 1

    def digest(self, feedback: TransportFeedback, now: float) -> CongestionReport | None:
        """None where the feedback tells nothing new. Lost packets are counted when they are first missed,
        though they may still come."""
        arrival = feedback.reference_time * _REFERENCE_US
        received = lost = octets = 0
        first: tuple[int, int] | None = None
        newest: tuple[int, int] | None = None
        for sequence, delta in feedback.received:
            arrival += delta or 0
            sent = self._find(sequence)
            if sent is None:
                continue
            if delta is None:
                lost += not sent.missed
                sent.missed = True
                continue
            self._kept[sent.number % _KEPT] = None
            received += 1
            octets += sent.octets
            first = first or (sent.left, arrival)
            if sent.number > self._told:
                self._told, newest = sent.number, (sent.left, arrival)
        if not received and not lost:
            return None
        sent_span, arrival_span = self._spans(first, newest)
        return CongestionReport(now, received, lost, octets, sent_span, arrival_span)

    def _spans(self, first: tuple[int, int] | None, newest: tuple[int, int] | None) -> tuple[int, int]:
        """From the packet that was the newest before, µs; feedback on late packets alone says nothing."""
        before = self._last or first
        if newest is None or before is None:
            return 0, 0
        self._last = newest
        arrival_span = (newest[1] - before[1] + _WRAP_US // 2) % _WRAP_US - _WRAP_US // 2
        return newest[0] - before[0], arrival_span

    def _find(self, sequence: int) -> _Departure | None:
        """What is known of a packet that was not acknowledged yet."""
        number = self._next - 1 - ((self._next - 1 - sequence) & 0xFFFF)
        sent = self._kept[number % _KEPT] if number >= 0 else None
        return sent if sent is not None and sent.number == number else None
