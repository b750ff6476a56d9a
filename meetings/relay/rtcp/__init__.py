"""RTCP: what the relay reads from its peers and tells them (RFC 3550, 4585, 5104 and two drafts)."""

from meetings.relay.rtcp.packets import (
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
    TransportFeedback,
)
from meetings.relay.rtcp.reception import ReceptionStatistics
from meetings.relay.rtcp.retransmission import NackGenerator
from meetings.relay.rtcp.transport_cc import TwccRecorder
from meetings.relay.rtcp.wire import parse_rtcp, serialize_rtcp

__all__ = [
    "FullIntraRequest",
    "Goodbye",
    "Nack",
    "NackGenerator",
    "PictureLoss",
    "ReceiverReport",
    "ReceptionStatistics",
    "Remb",
    "ReportBlock",
    "RtcpPacket",
    "SenderReport",
    "SourceDescription",
    "TransportFeedback",
    "TwccRecorder",
    "parse_rtcp",
    "serialize_rtcp",
]
