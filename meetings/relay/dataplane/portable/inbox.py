"""RTCP from a peer: what the plane answers alone, and what it passes on."""

from collections import Counter

from meetings.relay.dataplane.portable.outbox import Outbox
from meetings.relay.dataplane.portable.router import Router
from meetings.relay.dataplane.portable.transport import Transport
from meetings.relay.errors import MalformedPacket
from meetings.relay.rtcp import (
    FullIntraRequest,
    Nack,
    PictureLoss,
    RtcpPacket,
    SenderReport,
    TransportFeedback,
    parse_rtcp,
)

_OWN = (Nack, PictureLoss, FullIntraRequest, TransportFeedback)


class ControlInbox:
    """Sources that are not the peer's own are ignored; malformed compounds are counted."""

    def __init__(self, router: Router, outbox: Outbox, counters: Counter[str]) -> None:
        self._router, self._outbox, self._counters = router, outbox, counters

    def take(self, peer: Transport, packet: bytes, now: float) -> None:
        """One unprotected compound."""
        try:
            parts = parse_rtcp(packet)
        except MalformedPacket:
            self._counters["rtcp_malformed"] += 1
            return
        for part in parts:
            self._handle(peer, part, now)
        if not all(isinstance(part, _OWN) for part in parts):
            peer.events.rtcp_received(packet, now)

    def _handle(self, peer: Transport, part: RtcpPacket, now: float) -> None:
        if isinstance(part, SenderReport):
            stream = peer.streams.get(part.ssrc)
            if stream is not None:
                stream.sender_report(part.ntp, part.rtp_timestamp, now)
        elif isinstance(part, Nack):
            subscription = peer.subscriptions.get(part.media_ssrc)
            if subscription is not None:
                self._outbox.repeat(peer, subscription, part.lost, now)
        elif isinstance(part, PictureLoss):
            self._keyframe(peer, part.media_ssrc)
        elif isinstance(part, FullIntraRequest):
            for ssrc in part.targets:
                self._keyframe(peer, ssrc)
        elif isinstance(part, TransportFeedback):
            report = peer.departures.digest(part, now)
            told = peer.news.add(report, now) if report is not None else None
            if told is not None:
                peer.events.congestion(told)

    def _keyframe(self, peer: Transport, ssrc: int) -> None:
        subscription = peer.subscriptions.get(ssrc)
        if subscription is not None and subscription.current is not None:
            subscription.current.request_keyframe()
