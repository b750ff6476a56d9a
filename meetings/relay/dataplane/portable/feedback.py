"""What the portable plane says by time: requests, reports and feedback, as RTCP."""

from collections.abc import Iterator
from typing import Final

from meetings.relay.dataplane.portable.transport import Transport
from meetings.relay.rtcp import (
    Nack,
    PictureLoss,
    ReceiverReport,
    RtcpPacket,
    SourceDescription,
    serialize_rtcp,
)

TICK: Final = 0.02
REPORTS: Final = 1.0
CONGESTION: Final = 0.05
# The SSRC in our own RTCP: RFC 3550 wants one, nobody looks at it.
RELAY_SSRC: Final = 1
# Feedback packets per call, each on some 280 packets: more than any camera sends in 50 ms.
_FEEDBACKS: Final = 4
_BLOCKS: Final = 31


def requests(transport: Transport, now: float) -> Iterator[RtcpPacket]:
    """What is to be asked of a publisher: lost packets, keyframes."""
    for subscription in transport.subscriptions.values():
        target = subscription.target
        if target is not None and subscription.waiting_for_keyframe:
            target.request_keyframe()
    for ssrc, stream in transport.streams.items():
        if not stream.is_video or not stream.live(now):
            continue
        lost = stream.lost(now)
        if lost:
            yield Nack(RELAY_SSRC, ssrc, tuple(lost))
        if stream.keyframe_due(now):
            yield PictureLoss(RELAY_SSRC, ssrc)


def reports(transport: Transport, now: float, *, reception: bool) -> list[RtcpPacket]:
    """Sender reports that are due, and (`reception`) reports on what arrives."""
    sent: list[RtcpPacket] = []
    for subscription in transport.subscriptions.values():
        report = subscription.report_due(now, every=REPORTS)
        if report is not None:
            sent.append(report)
    blocks = []
    if reception:
        live = [stream for stream in transport.streams.values() if stream.live(now)]
        blocks = [stream.report_block(now) for stream in live[:_BLOCKS]]
    if not sent and not blocks:
        return []
    # A compound begins with a report and names its source (RFC 3550 §6.1).
    return [*sent, ReceiverReport(RELAY_SSRC, tuple(blocks)), SourceDescription(((RELAY_SSRC, "visio"),))]


def compounds(transport: Transport, packets: list[RtcpPacket], *, congestion: bool) -> Iterator[bytes]:
    """Packets as bytes, and the feedback on transport-wide numbers where it is due."""
    yield from serialize_rtcp(packets)
    if congestion and transport.congestion is not None:
        for _ in range(_FEEDBACKS):
            feedback = transport.congestion[1].feedback()
            if feedback is None:
                return
            yield feedback
