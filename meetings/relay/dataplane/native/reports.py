"""The thread's reports as the control side knows them."""

from typing import Any

from meetings.relay.dataplane.native.binding import ffi
from meetings.relay.plane import NEVER, SenderClock, StreamReport, SubscriptionReport, TransportReport


class Reports:
    """Looks reports up in the thread's last snapshot."""

    def __init__(self, lib: Any, plane: Any) -> None:
        self._lib, self._plane = lib, plane
        self._stream = ffi.new("plane_stream_report_record *")
        self._subscription = ffi.new("plane_subscription_report_record *")
        self._transport = ffi.new("plane_transport_report_record *")

    def stream(self, transport: int, ssrc: int) -> StreamReport | None:
        it = self._stream
        if not self._lib.plane_stream_report(self._plane, transport, ssrc, it):
            return None
        clock = SenderClock(it.clock_ntp, it.clock_rtp_timestamp, it.clock_at / 1e6) if it.clock_at else None
        return StreamReport(
            packets=it.packets,
            octets=it.octets,
            lost=it.lost,
            repaired=it.repaired,
            nacks_sent=it.nacks_sent,
            keyframes=it.keyframes,
            fraction_lost=it.fraction_lost,
            jitter=it.jitter,
            media_at=_seconds(it.media_at),
            level=it.level,
            level_at=_seconds(it.level_at),
            audible=bool(it.audible),
            sender_clock=clock,
        )

    def subscription(self, number: int) -> SubscriptionReport | None:
        it = self._subscription
        if not self._lib.plane_subscription_report(self._plane, number, it):
            return None
        return SubscriptionReport(
            current_ssrc=it.current_ssrc if it.is_forwarding else None,
            packets=it.packets,
            octets=it.octets,
            switches=it.switches,
            nacked=it.nacked,
            retransmitted=it.retransmitted,
            waiting_for_keyframe=bool(it.waiting_keyframe),
        )

    def transport(self, transport: int) -> TransportReport | None:
        it = self._transport
        if not self._lib.plane_transport_report(self._plane, transport, it):
            return None
        return TransportReport(
            sent_packets=it.sent_packets,
            sent_octets=it.sent_octets,
            received_packets=it.received_packets,
            received_octets=it.received_octets,
            send_dropped=it.send_dropped,
        )


def _seconds(at: int) -> float:
    return at / 1e6 if at else NEVER
