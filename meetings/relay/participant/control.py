"""RTCP from a client: what it reports, and what it asks for; and what is reported to it."""

from collections.abc import Callable

from meetings.relay.interface import DataPlane
from meetings.relay.participant.publications import RELAY_SSRC, Publications
from meetings.relay.participant.subscriptions import Subscriptions
from meetings.relay.rtcp import (
    FullIntraRequest,
    Nack,
    PictureLoss,
    ReceiverReport,
    RtcpPacket,
    SenderReport,
    SourceDescription,
)
from meetings.relay.uptrack import UpTrack

OnSenderReport = Callable[[UpTrack, str], None]


class ControlPackets:
    """`on_sender_report(track, rid)` is called once the layer has taken note of a report."""

    def __init__(
        self,
        plane: DataPlane,
        transport: int,
        publications: Publications,
        subscriptions: Subscriptions,
        on_sender_report: OnSenderReport,
    ) -> None:
        self._plane, self._transport = plane, transport
        self._publications, self._subscriptions = publications, subscriptions
        self._on_sender_report = on_sender_report

    def received(self, packet: RtcpPacket, now: float) -> None:
        """Sources that are not this client's are ignored."""
        self._subscriptions.rtcp(packet)
        if isinstance(packet, SenderReport):
            self._sender_report(packet, now)
        elif isinstance(packet, Nack):
            if self._subscriptions.by_ssrc(packet.media_ssrc) is not None:
                self._plane.retransmit(self._transport, packet.media_ssrc, packet.lost)
        elif isinstance(packet, PictureLoss):
            self._request_keyframe(packet.media_ssrc)
        elif isinstance(packet, FullIntraRequest):
            for ssrc in packet.targets:
                self._request_keyframe(ssrc)

    def reports(self, now: float) -> list[RtcpPacket]:
        """Sender and receiver reports that are due; nothing where nothing flows."""
        sent: list[RtcpPacket] = list(self._subscriptions.sender_reports(now))
        received = self._publications.reports(now)
        if not sent and not received:
            return []
        name = SourceDescription(((RELAY_SSRC, "visio"),))
        return [*sent, ReceiverReport(RELAY_SSRC, tuple(received)), name]

    def _sender_report(self, report: SenderReport, now: float) -> None:
        layer = self._publications.layer(report.ssrc)
        if layer is not None:
            layer.sender_report(report.ntp, report.rtp_timestamp, now)
            self._on_sender_report(layer.up, layer.rid)

    def _request_keyframe(self, ssrc: int) -> None:
        down = self._subscriptions.by_ssrc(ssrc)
        if down is not None and down.current is not None:
            down.current.request_keyframe()
