"""What stands in the opened frames of a record log; how its packets become pictures and sound."""

from collections.abc import Iterator

from meetings.recording.depacketize import opus_packets, ordered, video_frames
from meetings.recording.records import (
    EndRecord,
    MuteRecord,
    RtpRecord,
    SenderReport,
    TrackHeader,
    pack_header,
    pack_record,
    unpack_header,
    unpack_records,
)
from meetings.relay.interface import RtpHeader
from tests.peers.rtp import rebuild_rtp

_HEADER = TrackHeader(
    "r", "ann", "Ann", "TR_1", "video", "video/VP8", 90_000, 1, "camera", 1_700_000_000 * 10**9
)


def run(data: bytes) -> None:
    try:
        header = unpack_header(data)
    except ValueError:
        pass
    else:
        assert unpack_header(pack_header(header)) == header
    try:
        records = list(unpack_records(data))
    except ValueError:
        return
    assert b"".join(map(pack_record, records)) == data
    packets = list(ordered(records, 90_000))
    assert len(packets) <= len(records)
    positions = [packet.position for packet in packets]
    assert positions == sorted(set(positions))
    for mime in ("video/VP8", "video/VP9"):
        frames = list(video_frames(records, 90_000, mime))
        assert sum(len(frame.payload) for frame in frames) <= len(data)
    assert sum(len(packet.payload) for packet in opus_packets(records, 48_000)) <= len(data)


def seeds() -> Iterator[bytes]:
    yield pack_header(_HEADER)
    at = _HEADER.started_wall_ns
    records = [SenderReport(1 << 60, 90_000, at), MuteRecord(False, at)]
    for number in range(6):
        header = RtpHeader(number % 2 == 1, 96, number, 0, 7, 0, 0, {})
        payload = bytes((0x90 if number % 2 == 0 else 0x80, 0x80, 0x80, number, 0)) + bytes(20)
        packet = rebuild_rtp(
            payload,
            header,
            payload_type=96,
            sequence=65_533 + number,
            timestamp=90_000 + 3000 * (number // 2),
            ssrc=7,
            extensions=[],
        )
        records.append(RtpRecord(packet, at + number * 10_000_000))
    records += [MuteRecord(True, at + 10**8), EndRecord(at + 10**9)]
    yield b"".join(map(pack_record, records))
    yield b"".join(map(pack_record, reversed(records[2:8])))
