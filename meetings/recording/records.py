"""What a record log says: the track's header and its records, and their bytes (docs/record-log.md)."""

import json
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, TypeAlias

Kind = Literal["audio", "video"]

MAX_BODY: Final = 0xFFFF
_HEAD = struct.Struct("!BQH")
MAX_RECORD: Final = _HEAD.size + MAX_BODY
_REPORT = struct.Struct("!QI")
_RTP, _SENDER_REPORT, _MUTE, _END = 1, 2, 3, 4


@dataclass(frozen=True)
class TrackHeader:
    """Whose sound or picture a log holds. `started_wall_ns`: the server's Unix time at the log's creation."""

    room: str
    participant_identity: str
    participant_name: str
    track_sid: str
    kind: Kind
    mime: str
    clock_rate: int
    channels: int
    source: str
    started_wall_ns: int


@dataclass(frozen=True, slots=True)
class RtpRecord:
    """A plain RTP packet, header included, and the server's Unix time in ns when it came."""

    packet: bytes
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The sender's NTP time (64-bit, RFC 3550 §6.4.1) at which its RTP clock showed `rtp_timestamp`."""

    ntp: int
    rtp_timestamp: int
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class MuteRecord:
    """The track was muted or unmuted."""

    muted: bool
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class EndRecord:
    """The recorder closed the log in order; nothing follows."""

    arrival_ns: int


Record: TypeAlias = RtpRecord | SenderReport | MuteRecord | EndRecord


def pack_header(header: TrackHeader) -> bytes:
    """UTF-8 JSON object of the header's fields."""
    return json.dumps(asdict(header), ensure_ascii=False, separators=(",", ":")).encode()


def unpack_header(data: bytes) -> TrackHeader:
    """Inverse of `pack_header`; fields unknown here are ignored. Raises ValueError."""
    values: Any = json.loads(data)
    if not isinstance(values, dict):
        raise ValueError("the header is not a JSON object")
    known: dict[str, Any] = {}
    for field in fields(TrackHeader):
        known[field.name] = value = values.get(field.name)
        if type(value) is not (int if field.type is int else str):
            raise ValueError(f"the header's {field.name} is missing or of another type")
    if known["kind"] not in ("audio", "video") or known["clock_rate"] <= 0:
        raise ValueError("the header describes no track")
    return TrackHeader(**known)


def pack_record(record: Record) -> bytes:
    """The bytes of one record. Raises ValueError where a body is too long or a number out of range."""
    match record:
        case RtpRecord(packet, _):
            tag, body = _RTP, packet
        case SenderReport(ntp, rtp_timestamp, _):
            tag, body = _SENDER_REPORT, _REPORT.pack(ntp, rtp_timestamp)
        case MuteRecord(muted, _):
            tag, body = _MUTE, bytes([muted])
        case EndRecord():
            tag, body = _END, b""
    try:
        return _HEAD.pack(tag, record.arrival_ns, len(body)) + body
    except struct.error as error:
        raise ValueError(f"does not fit a record: {error}") from error


def unpack_records(data: bytes) -> Iterator[Record]:
    """The records of one opened frame. Raises ValueError where the bytes are not whole records."""
    position = 0
    while position < len(data):
        if position + _HEAD.size > len(data):
            raise ValueError("a record's head is cut off")
        tag, arrival_ns, size = _HEAD.unpack_from(data, position)
        position += _HEAD.size
        body = data[position : position + size]
        if len(body) != size:
            raise ValueError("a record's body is cut off")
        position += size
        yield _unpack_body(tag, arrival_ns, body)


def _unpack_body(tag: int, arrival_ns: int, body: bytes) -> Record:
    if tag == _RTP:
        return RtpRecord(body, arrival_ns)
    if tag == _SENDER_REPORT and len(body) == _REPORT.size:
        ntp, rtp_timestamp = _REPORT.unpack(body)
        return SenderReport(ntp, rtp_timestamp, arrival_ns)
    if tag == _MUTE and body in (b"\0", b"\1"):
        return MuteRecord(body == b"\1", arrival_ns)
    if tag == _END and not body:
        return EndRecord(arrival_ns)
    raise ValueError(f"no record has tag {tag} and {len(body)} bytes")
