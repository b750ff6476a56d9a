"""From RTP timestamps to seconds on the common timeline.

Two steps, each a straight line (offset and drift):
1. a track's RTP clock → its client's NTP clock, by least squares through its sender reports;
2. the client's NTP clock, which may be minutes off → the server's, by the lower envelope of
   (arrival − NTP) over all tracks that the client sent at the same time.
A source without sender reports is placed by the lower envelope of its packets' arrivals alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from .fit import Line, least_squares, lower_envelope
from .log import RtpRecord, SenderReport, TrackHeader, read_log
from .streams import SOURCE_BITS, TimestampExtender, parse_rtp, source_of
from .timeline import Timeline

_NTP_UNIX_OFFSET: Final = 2_208_988_800


@dataclass
class _Readings:
    """What one source of a log showed: all its sender reports, and each second's least delayed packet."""

    reports: list[tuple[int, float, float]] = field(default_factory=list)  # (RTP, NTP s, arrival s)
    arrivals: dict[int, tuple[float, int, float]] = field(default_factory=dict)  # (delay, RTP, arrival s)

    def packet(self, extended: int, arrival: float, rate: int) -> None:
        delay = arrival - (extended - (source_of(extended) << SOURCE_BITS)) / rate
        second = int(arrival)
        if second not in self.arrivals or delay < self.arrivals[second][0]:
            self.arrivals[second] = (delay, extended, arrival)

    def span(self) -> tuple[float, float]:
        seen = [arrival for _, _, arrival in (*self.reports, *self.arrivals.values())]
        return min(seen), max(seen)


@dataclass(frozen=True)
class TrackReadings:
    """The clock readings of one log, gathered in one pass by `read_clock_readings`."""

    header: TrackHeader
    sources: dict[int, _Readings]


@dataclass(frozen=True)
class _SourceClock:
    origin: int
    rate: int
    steps: tuple[Line, ...]

    def seconds(self, extended: int) -> float:
        value = (extended - self.origin) / self.rate
        for step in self.steps:
            value = step(value)
        return value


@dataclass(frozen=True)
class TrackClock:
    """Places the extended RTP timestamps of one log on the timeline."""

    _sources: dict[int, _SourceClock]

    @property
    def empty(self) -> bool:
        """True where the log holds neither a packet nor a sender report."""
        return not self._sources

    def seconds(self, extended_rtp_timestamp: int) -> float:
        """Seconds since the recording's start. Raises KeyError for a source the log did not have."""
        return self._sources[source_of(extended_rtp_timestamp)].seconds(extended_rtp_timestamp)


def read_clocks(paths: Sequence[Path], key: bytes, timeline: Timeline) -> dict[Path, TrackClock]:
    """The clock of each log; logs of one participant lend each other their sender reports.

    Reads every log once, in constant memory per hour. Raises OSError and RecordLogError.
    """
    readings = {path: read_clock_readings(path, key, timeline) for path in paths}
    return {path: fit_clock(own, list(readings.values())) for path, own in readings.items()}


def read_clock_readings(path: Path, key: bytes, timeline: Timeline) -> TrackReadings:
    """One pass over a log for its clock readings; arrivals become seconds on the timeline."""
    log = read_log(path, key)
    extender = TimestampExtender(log.header.clock_rate)
    sources: dict[int, _Readings] = {}
    for record in log.records:
        if isinstance(record, RtpRecord):
            packet = parse_rtp(record.packet)
            extended = extender.packet(packet, record) if packet else None
            if extended is not None:
                readings = sources.setdefault(source_of(extended), _Readings())
                readings.packet(extended, timeline.seconds(record.arrival_ns), log.header.clock_rate)
        elif isinstance(record, SenderReport) and record.ntp:
            extended = extender.report(record)
            ntp = _timeline_ntp(record.ntp, timeline)
            readings = sources.setdefault(source_of(extended), _Readings())
            readings.reports.append((extended, ntp, timeline.seconds(record.arrival_ns)))
    return TrackReadings(log.header, sources)


def fit_clock(own: TrackReadings, everyone: Sequence[TrackReadings]) -> TrackClock:
    """The clock of `own`; `everyone` may hold other logs of the same participant, and `own` itself."""
    siblings = [
        readings
        for other in everyone
        if other.header.participant_identity == own.header.participant_identity
        for readings in other.sources.values()
    ]
    rate = own.header.clock_rate
    return TrackClock({n: _fit_source(source, siblings, rate) for n, source in own.sources.items()})


def _fit_source(source: _Readings, siblings: Sequence[_Readings], rate: int) -> _SourceClock:
    if not source.reports:
        return _by_arrival(source, rate)
    origin = source.reports[0][0]
    rtp = np.array([(extended - origin) / rate for extended, _, _ in source.reports])
    ntp = np.array([reading for _, reading, _ in source.reports])
    to_client = least_squares(rtp, ntp)
    start, end = source.span()
    points = [(reading, arrival) for _, reading, arrival in source.reports]
    points += [(to_client((rtp_ - origin) / rate), at) for _, rtp_, at in source.arrivals.values()]
    for sibling in siblings:
        # Only what was sent at the same time: after a reconnection it may be another computer.
        if sibling is not source and sibling.span()[0] <= end and sibling.span()[1] >= start:
            points += [(reading, arrival) for _, reading, arrival in sibling.reports]
    client, server = np.array(points).T
    return _SourceClock(origin, rate, (to_client, lower_envelope(client, server)))


def _by_arrival(source: _Readings, rate: int) -> _SourceClock:
    origin = next(iter(source.arrivals.values()))[1]
    rtp = np.array([(extended - origin) / rate for _, extended, _ in source.arrivals.values()])
    server = np.array([arrival for _, _, arrival in source.arrivals.values()])
    return _SourceClock(origin, rate, (lower_envelope(rtp, server),))


def _timeline_ntp(ntp: int, timeline: Timeline) -> float:
    """A 64-bit NTP time as seconds on the timeline, as if the client's clock were the server's."""
    unix_seconds = (ntp >> 32) - _NTP_UNIX_OFFSET - timeline.started_wall_ns // 1_000_000_000
    return unix_seconds + (ntp & 0xFFFFFFFF) / 2**32 - (timeline.started_wall_ns % 1_000_000_000) / 1e9
