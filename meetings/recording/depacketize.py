"""From records in order of arrival to whole Opus packets and video frames in order of time."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from .errors import UnsupportedMedia
from .log import Record, RtpRecord, SenderReport
from .payloads import VideoPart, vp8_part, vp9_part
from .streams import RtpPacket, TimestampExtender, parse_rtp, source_of

# A NACKed packet comes back within a few round trips; after this it is taken for lost.
WAIT_NS: Final = 2_000_000_000
# Bounds the memory against a sender that never fills its gaps: about 2 s at 25 Mbit/s.
MAX_WAITING: Final = 4096
# A sequence number this far behind is late; further back it is a sender that started anew.
MAX_LATE: Final = 4096
# A 4K keyframe has one megabyte. What goes on and on under one timestamp is no picture.
MAX_FRAME: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, order=True)
class OrderedPacket:
    """A packet with its place in the log's order: `position` is (source, extended sequence number)."""

    position: tuple[int, int]
    timestamp: int
    marker: bool
    payload: bytes
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class OpusPacket:
    """One Opus packet; `timestamp` is extended, of its first sample, at 48 kHz."""

    timestamp: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One whole coded picture; `timestamp` is extended, at the track's clock rate (90 kHz)."""

    timestamp: int
    payload: bytes
    keyframe: bool


class SequenceExtender:
    """Extends 16-bit sequence numbers (RFC 3550 §A.1), tolerating late packets and a sender's restart."""

    def __init__(self) -> None:
        self._highest: int | None = None

    def extend(self, sequence: int) -> int:
        """The number nearest above the highest seen, or at most `MAX_LATE` below it."""
        if self._highest is None:
            self._highest = sequence
        ahead = (sequence - self._highest) % 0x10000
        extended = self._highest + (ahead if ahead < 0x10000 - MAX_LATE else ahead - 0x10000)
        self._highest = max(self._highest, extended)
        return extended


def ordered(records: Iterable[Record], clock_rate: int) -> Iterator[OrderedPacket]:
    """Packets in order of sequence, each once; malformed ones are left out.

    Waits up to 2 s of arrival time for a missing packet; what comes later still is dropped.
    """
    waiting: list[OrderedPacket] = []
    released: tuple[int, int] | None = None
    for packet in _placed(records, clock_rate):
        if released is not None and packet.position <= released:
            continue
        heapq.heappush(waiting, packet)
        while waiting and _ready(waiting, released, packet.arrival_ns):
            first = heapq.heappop(waiting)
            if first.position != released:
                released = first.position
                yield first
    while waiting:
        first = heapq.heappop(waiting)
        if first.position != released:
            released = first.position
            yield first


def _ready(waiting: list[OrderedPacket], released: tuple[int, int] | None, now_ns: int) -> bool:
    first = waiting[0]
    if released is not None and first.position <= (released[0], released[1] + 1):
        return True
    return now_ns - first.arrival_ns > WAIT_NS or len(waiting) > MAX_WAITING


def _placed(records: Iterable[Record], clock_rate: int) -> Iterator[OrderedPacket]:
    timestamps = TimestampExtender(clock_rate)
    sequences: dict[int, SequenceExtender] = {}
    for record in records:
        if isinstance(record, SenderReport) and record.ntp:
            timestamps.report(record)
        if not isinstance(record, RtpRecord):
            continue
        packet = parse_rtp(record.packet)
        extended = timestamps.packet(packet, record) if packet else None
        if packet is not None and extended is not None:
            source = source_of(extended)
            sequence = sequences.setdefault(source, SequenceExtender()).extend(packet.sequence)
            yield _place(packet, record, (source, sequence), extended)


def _place(packet: RtpPacket, record: RtpRecord, position: tuple[int, int], extended: int) -> OrderedPacket:
    return OrderedPacket(position, extended, packet.marker, packet.payload, record.arrival_ns)


def opus_packets(records: Iterable[Record], clock_rate: int) -> Iterator[OpusPacket]:
    """Opus packets (RFC 7587: one per RTP packet) in order; lost ones are simply not there."""
    for packet in ordered(records, clock_rate):
        if packet.payload:
            yield OpusPacket(packet.timestamp, packet.payload)


_PARTS: Final[dict[str, Callable[[bytes], VideoPart | None]]] = {"video/vp8": vp8_part, "video/vp9": vp9_part}


def video_frames(records: Iterable[Record], clock_rate: int, mime: str) -> Iterator[VideoFrame]:
    """Whole frames in order. After a loss, nothing until the next keyframe: it would not decode.

    Raises UnsupportedMedia for a codec other than VP8 and VP9.
    """
    part = _PARTS.get(mime.lower())
    if part is None:
        raise UnsupportedMedia(f"{mime} video cannot be copied into WebM; VP8 and VP9 can")
    return _whole_frames(ordered(records, clock_rate), part)


def _whole_frames(
    packets: Iterable[OrderedPacket], part: Callable[[bytes], VideoPart | None]
) -> Iterator[VideoFrame]:
    assembler = _Assembler()
    for packet in packets:
        # An empty payload is a padding probe: it only continues the sequence.
        content = part(packet.payload) if packet.payload else VideoPart(b"", False, False)
        yield from assembler.push(packet, content)
    yield from assembler.finish()


class _Assembler:
    """Joins the parts of a frame, and knows when the chain of references is broken."""

    def __init__(self) -> None:
        self._previous: tuple[int, int] | None = None
        self._timestamp = 0
        self._parts: list[bytes] = []
        self._bytes = 0
        self._keyframe = False
        self._broken = True

    def push(self, packet: OrderedPacket, part: VideoPart | None) -> Iterator[VideoFrame]:
        source, sequence = packet.position
        if part is None or self._previous != (source, sequence - 1):
            self._lose()
        self._previous = packet.position
        if part is None or not part.payload:
            return
        if self._parts and packet.timestamp != self._timestamp:
            yield from self.finish()
        if part.first and not self._parts:
            self._start(packet, part)
        elif self._parts:
            self._parts.append(part.payload)
            self._bytes += len(part.payload)
            if self._bytes > MAX_FRAME:
                self._lose()
        if packet.marker:
            yield from self.finish()

    def finish(self) -> Iterator[VideoFrame]:
        """The frame at hand, if it is whole and decodes after what was yielded before it."""
        if self._parts and not self._broken:
            yield VideoFrame(self._timestamp, b"".join(self._parts), self._keyframe)
        self._parts = []

    def _start(self, packet: OrderedPacket, part: VideoPart) -> None:
        self._timestamp, self._keyframe, self._parts = packet.timestamp, part.keyframe, [part.payload]
        self._bytes = len(part.payload)
        self._broken = self._broken and not part.keyframe

    def _lose(self) -> None:
        self._broken, self._parts = True, []
