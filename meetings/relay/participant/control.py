"""RTCP from a client, as far as it is not the data plane's own business."""

from collections.abc import Callable

from meetings.relay.participant.publications import Publications
from meetings.relay.participant.subscriptions import Subscriptions
from meetings.relay.rtcp import RtcpPacket, SenderReport
from meetings.relay.uptrack import UpTrack

OnSenderReport = Callable[[UpTrack, str], None]


class ControlPackets:
    """`on_sender_report(track, rid)` is called once the layer has taken note of a report."""

    def __init__(
        self, publications: Publications, subscriptions: Subscriptions, on_sender_report: OnSenderReport
    ) -> None:
        self._publications, self._subscriptions = publications, subscriptions
        self._on_sender_report = on_sender_report

    def received(self, packet: RtcpPacket, now: float) -> None:
        """Sources that are not this client's are ignored."""
        self._subscriptions.rtcp(packet, now)
        if isinstance(packet, SenderReport):
            layer = self._publications.layer(packet.ssrc)
            if layer is not None:
                layer.sender_report(packet.ntp, packet.rtp_timestamp, now)
                self._on_sender_report(layer.up, layer.rid)
