"""RTP packets as a recording needs them: parsed, unpadded, their 32-bit timestamps extended.

An extended timestamp counts on without wrapping. Each SSRC of a log has a range of its own
(`source_of`), because RTP clocks of different SSRCs start at random values (RFC 3550 §5.1).
"""

import struct
from dataclasses import dataclass
from typing import Final

from .log import RtpRecord, SenderReport

SOURCE_BITS: Final = 48
# A track changes its SSRC when its sender starts anew; hundreds of them are an attack.
MAX_SOURCES: Final = 256

_FIXED = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """The parts of an RTP packet (RFC 3550 §5.1) that matter here; header extensions and padding are gone."""

    sequence: int
    timestamp: int
    ssrc: int
    marker: bool
    payload: bytes


def parse_rtp(data: bytes) -> RtpPacket | None:
    """One plain RTP packet, or None where it is malformed."""
    if len(data) < _FIXED.size or data[0] >> 6 != 2:
        return None
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    start = _FIXED.size + 4 * (first & 0x0F)
    if first & 0x10:
        if start + _EXTENSION.size > len(data):
            return None
        start += _EXTENSION.size + 4 * _EXTENSION.unpack_from(data, start)[1]
    end = len(data)
    if first & 0x20:
        if data[-1] == 0:
            return None
        end -= data[-1]
    if start > end:
        return None
    return RtpPacket(sequence, timestamp, ssrc, bool(second & 0x80), data[start:end])


def source_of(extended: int) -> int:
    """Which source of its log an extended timestamp belongs to, counted from 0."""
    return extended >> SOURCE_BITS


class TimestampExtender:
    """Extends the timestamps of one log. To be fed every RTP and sender report record, in the log's order.

    Which turn of the 32-bit wheel a timestamp belongs to is told by its arrival, counted from the source's
    first packet: so a camera may rest longer than half a turn (6.6 hours at 90 kHz), and one wild
    timestamp does not mislead the next.
    """

    def __init__(self, clock_rate: int) -> None:
        self._rate = clock_rate
        self._sources: dict[int, int] = {}
        self._first: dict[int, tuple[int, int]] = {}
        self._current = 0

    def packet(self, packet: RtpPacket, record: RtpRecord) -> int | None:
        """The packet's extended timestamp; None where the log has too many sources."""
        source = self._sources.get(packet.ssrc)
        if source is None:
            if len(self._sources) >= MAX_SOURCES:
                return None
            source = self._sources[packet.ssrc] = len(self._sources)
            self._current = source
        return self._extend(source, packet.timestamp, record.arrival_ns)

    def report(self, report: SenderReport) -> int:
        """The extended timestamp of a report, taken to be about the log's newest source."""
        return self._extend(self._current, report.rtp_timestamp, report.arrival_ns)

    def _extend(self, source: int, timestamp: int, arrival_ns: int) -> int:
        if source not in self._first:
            # In the middle of the source's range: what was sent earlier may still come.
            extended = (source << SOURCE_BITS) + (1 << (SOURCE_BITS - 1)) + timestamp
            self._first[source] = (extended, arrival_ns)
            return extended
        first, first_ns = self._first[source]
        expected = first + (arrival_ns - first_ns) * self._rate // 1_000_000_000
        distance = (timestamp - expected + (1 << 31)) % (1 << 32) - (1 << 31)
        return expected + distance
