"""How a connection fares: rates between two snapshots, loss and round trip by reception reports."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from meetings.relay.plane import SenderClock
from meetings.relay.rtcp import ReportBlock

_HALF: Final = 1 << 31
_UNIT: Final = 65_536  # of the middle 32 bits of an NTP time, per second (RFC 3550 §4)
# Beyond that a report speaks of another clock, or lies (seconds).
_LONGEST_ROUND_TRIP: Final = 10.0
_CLOCK_ERROR: Final = 0.002
# What was not reported for so long is not known any more (seconds).
_KNOWN_FOR: Final = 10.0
_SMOOTHING: Final = 1 / 8  # RFC 6298 §2


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What has gone over one connection since it began, `at` monotonic seconds. Up is towards the relay.

    `expected` and `lost` count packets; repaired ones are lost, too: the figure is the network's.
    """

    at: float
    octets_up: int = 0
    octets_down: int = 0
    expected_up: int = 0
    lost_up: int = 0
    expected_down: int = 0
    lost_down: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """bit/s, and lost fractions from 0 to 1; None where nothing came, or nothing was reported."""

    bitrate_up: float = 0.0
    bitrate_down: float = 0.0
    loss_up: float | None = None
    loss_down: float | None = None


def rates(before: Snapshot, after: Snapshot) -> Rates:
    """What happened between the two."""
    elapsed = after.at - before.at
    if elapsed <= 0:
        return Rates()
    return Rates(
        max(0, after.octets_up - before.octets_up) * 8 / elapsed,
        max(0, after.octets_down - before.octets_down) * 8 / elapsed,
        _fraction(after.lost_up - before.lost_up, after.expected_up - before.expected_up),
        _fraction(after.lost_down - before.lost_down, after.expected_down - before.expected_down),
    )


def _fraction(lost: int, expected: int) -> float | None:
    return min(1.0, max(0, lost) / expected) if expected > 0 else None


def round_trip(block: ReportBlock, clocks: Iterable[SenderClock], now: float) -> float | None:
    """Seconds to the receiver and back, by its report (RFC 3550 §6.4.1); None where that says nothing.

    Our sender reports carry the publisher's clock, carried forward: so the time named by LSR tells when we
    sent it, by the pair that was in force then. `clocks`: the publisher's last pairs, oldest first.
    """
    if not block.lsr:
        return None
    until = now + _CLOCK_ERROR
    for clock in reversed(tuple(clocks)):
        ahead = ((block.lsr - (clock.ntp >> 16) + _HALF) & 0xFFFFFFFF) - _HALF
        sent = clock.at + ahead / _UNIT
        if clock.at - _CLOCK_ERROR <= sent <= until:
            measured = now - sent - block.dlsr / _UNIT
            return max(0.0, measured) if -_CLOCK_ERROR <= measured < _LONGEST_ROUND_TRIP else None
        until = clock.at + _CLOCK_ERROR
    return None


class Reception:
    """What one subscriber reports of all that it is sent; times in seconds."""

    def __init__(self) -> None:
        self.expected = self.lost = 0
        self._before: dict[int, tuple[int, int]] = {}
        self._jitter: dict[int, tuple[float, float]] = {}
        self._round_trip: tuple[float, float] | None = None

    def jitter(self, now: float) -> float | None:
        """The worst stream's; None where none was reported of late."""
        return max((jitter for jitter, at in self._jitter.values() if now - at < _KNOWN_FOR), default=None)

    def round_trip(self, now: float) -> float | None:
        """Smoothed; None where none was measured of late."""
        known = self._round_trip is not None and now - self._round_trip[1] < _KNOWN_FOR
        return self._round_trip[0] if known and self._round_trip else None

    def reported(
        self, block: ReportBlock, clock_rate: int, clocks: Iterable[SenderClock], now: float
    ) -> None:
        """Takes one report. The first on a stream only begins the count."""
        highest, lost = self._before.get(block.ssrc, (block.highest_sequence, block.packets_lost))
        self._before[block.ssrc] = block.highest_sequence, block.packets_lost
        expected = (block.highest_sequence - highest) & 0xFFFFFFFF
        if expected < _HALF:
            self.expected += expected
            self.lost += min(expected, max(0, block.packets_lost - lost))
        self._jitter[block.ssrc] = block.jitter / clock_rate, now
        measured = round_trip(block, clocks, now)
        if measured is not None:
            before = self.round_trip(now)
            smooth = measured if before is None else before + (measured - before) * _SMOOTHING
            self._round_trip = smooth, now

    def forget(self, ssrc: int) -> None:
        """The stream has ended."""
        self._before.pop(ssrc, None)
        self._jitter.pop(ssrc, None)
