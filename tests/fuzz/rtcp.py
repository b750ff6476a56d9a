"""RTCP compounds, transport-wide feedback included: what is read can be written and reads the same."""

from collections.abc import Iterator

from meetings.relay.errors import MalformedPacket
from meetings.relay.rtcp import (
    FullIntraRequest,
    Goodbye,
    Nack,
    PictureLoss,
    ReceiverReport,
    Remb,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    TwccRecorder,
    parse_rtcp,
    serialize_rtcp,
)

# Written as they were read; the others are written in one of several ways.
_EXACT = (SenderReport, ReceiverReport, PictureLoss)


def run(data: bytes) -> None:
    try:
        parsed = parse_rtcp(data)
    except MalformedPacket:
        return
    assert len(parsed) <= len(data) // 4
    assert sum(len(part.lost) for part in parsed if isinstance(part, Nack)) <= 17 * len(data) // 4
    ours = [part for part in parsed if not isinstance(part, SourceDescription | Goodbye)]
    once = _again(ours)
    assert [part for part in once if isinstance(part, _EXACT)] == [
        part for part in ours if isinstance(part, _EXACT)
    ]
    assert _again(once) == once


def _again(packets: list[RtcpPacket]) -> list[RtcpPacket]:
    return [part for compound in serialize_rtcp(packets) for part in parse_rtcp(compound)]


def seeds() -> Iterator[bytes]:
    block = ReportBlock(7, 25, -3, 70_000, 90, 0x1234, 65_536)
    made: list[RtcpPacket] = [
        SenderReport(7, 1 << 60, 90_000, 10, 1000, (block,)),
        ReceiverReport(1, (block, block)),
        SourceDescription(((7, "someone"),)),
        Goodbye((7, 8)),
        Nack(1, 7, (1, 2, 17, 300, 65_535)),
        PictureLoss(1, 7),
        FullIntraRequest(1, (7, 8), 3),
        Remb(1, 1_500_000, (7,)),
    ]
    for packet in made:
        yield next(serialize_rtcp([packet]))
    yield from serialize_rtcp(made)
    recorder = TwccRecorder()
    for number in (1, 2, 5, 6, 7, 30, 31, 60):
        recorder.add(number, 7, 1.0 + number / 90)
    feedback = recorder.feedback()
    assert feedback is not None
    yield feedback
