"""What transport-wide feedback tells: how fast packets arrive, whether a queue grows, how many are lost."""

import math
from collections import deque
from typing import Final

from meetings.relay.plane import CongestionReport

_WINDOW: Final = 1.0  # seconds
_RATE_WINDOW: Final = 0.4  # of arrival: a rate that fell is seen before a viewer sees it
_GROWTH: Final = 0.020  # seconds of queue in a window; draft-ietf-rmcat-gcc-02 §5.4 begins at 12.5 ms
_MEASURES: Final = 4
_LOSS_WINDOW: Final = 2.0  # a second's hundred packets would make 15 % of 10 % now and then
_PACKETS: Final = 20
_QUEUED_US: Final = 5_000
_STANDING: Final = 0.100  # a queue that stays this long (seconds) is heard in every answer
_STEP: Final = 0.030  # more than this at once is another route, or a queue that `growing` sees anyway
_BASE_WINDOW: Final = 20.0  # clocks drift apart by 2 ms in that time


class ArrivalRate:
    """Acknowledged bit/s by the receiver's clock, which delayed feedback does not distort."""

    def __init__(self, window: float = _RATE_WINDOW) -> None:
        self._window = window
        self._parts: deque[tuple[int, float]] = deque()
        self._octets, self._span = 0, 0.0

    def add(self, report: CongestionReport) -> None:
        part = report.octets, max(0.0, report.arrival_span_us / 1e6)
        self._parts.append(part)
        self._octets, self._span = self._octets + part[0], self._span + part[1]
        while len(self._parts) > 1 and self._span - self._parts[0][1] >= self._window:
            octets, span = self._parts.popleft()
            self._octets, self._span = self._octets - octets, self._span - span

    @property
    def full(self) -> bool:
        """Whether there is enough to go by."""
        return self._span >= self._window / 2

    @property
    def bitrate(self) -> float:
        return self._octets * 8 / self._span if self._span > 0 else 0.0


class BottleneckRate:
    """Bit/s while packets queued: what the narrowest link carries, where the sender itself sends less."""

    def __init__(self) -> None:
        self._busy: deque[tuple[float, int, float]] = deque()

    def add(self, report: CongestionReport) -> None:
        if report.arrival_span_us - report.sent_span_us > _QUEUED_US:
            self._busy.append((report.at, report.octets, report.arrival_span_us / 1e6))
        while self._busy and self._busy[0][0] <= report.at - _WINDOW:
            self._busy.popleft()

    @property
    def bitrate(self) -> float:
        """0 where nothing queued for long enough to tell."""
        span = sum(each for _, _, each in self._busy)
        return sum(octets for _, octets, _ in self._busy) * 8 / span if span > _RATE_WINDOW / 4 else 0.0


class QueueTrend:
    """Whether packets take longer and longer (draft-ietf-rmcat-gcc-02 §5, with sums in place of a filter).

    Of a second's changes in delay the largest is left out: one step is another route or a burst on a radio
    link, a queue that grows does so in every report. Jitter goes up and down and sums to nothing.
    """

    def __init__(self, measures: int = _MEASURES) -> None:
        self._measures = measures
        self._changes: deque[tuple[float, float]] = deque()
        self._delay = 0.0
        self._recent: deque[tuple[float, float]] = deque()
        self._least: deque[tuple[float, float]] = deque()  # of each second

    def add(self, report: CongestionReport) -> None:
        change = (report.arrival_span_us - report.sent_span_us) / 1e6
        self._delay += min(change, _STEP)
        self._changes.append((report.at, change))
        self._recent.append((report.at, self._delay))
        if not self._least or report.at - self._least[-1][0] >= _WINDOW:
            self._least.append((report.at, self._delay))
        elif self._delay < self._least[-1][1]:
            self._least[-1] = self._least[-1][0], self._delay
        _forget(self._changes, report.at - _WINDOW)
        _forget(self._recent, report.at - _WINDOW)
        _forget(self._least, report.at - _BASE_WINDOW)

    @property
    def growing(self) -> bool:
        changes = [change for _, change in self._changes]
        return len(changes) >= self._measures and sum(changes) - max(changes) > _GROWTH

    @property
    def standing(self) -> float:
        """Seconds of delay above the least that was seen of late; 0 below what matters."""
        if len(self._recent) < self._measures:
            return 0.0
        queue = min(delay for _, delay in self._recent) - min(delay for _, delay in self._least)
        return queue if queue > _STANDING else 0.0

    def settle(self) -> None:
        """Judges by what comes from now on."""
        self._changes.clear()

    def rebase(self) -> None:
        """The delay of this moment is the path's own."""
        self.settle()
        self._recent.clear()
        self._least.clear()


class LossShare:
    """The lost fraction of two seconds' packets, 0 to 1; 0 where there are too few to tell."""

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int, int]] = deque()

    def add(self, report: CongestionReport) -> None:
        self._counts.append((report.at, report.received, report.lost))
        while self._counts[0][0] <= report.at - _LOSS_WINDOW:
            self._counts.popleft()

    @property
    def full(self) -> bool:
        return self._packets() >= _PACKETS

    def above(self, mark: float) -> bool:
        """Whether chance alone would not explain so much where `mark` is usual: 1.6 standard deviations."""
        packets = self._packets()
        return packets >= _PACKETS and self.share > mark + 1.6 * math.sqrt(mark / packets)

    @property
    def share(self) -> float:
        packets = self._packets()
        return sum(lost for _, _, lost in self._counts) / packets if packets >= _PACKETS else 0.0

    def _packets(self) -> int:
        return sum(received + lost for _, received, lost in self._counts)

    def settle(self) -> None:
        self._counts.clear()


def _forget(measures: deque[tuple[float, float]], before: float) -> None:
    while measures and measures[0][0] <= before:
        measures.popleft()
