"""One subscription: which stream of its track is forwarded, and how it is written for its subscriber."""

import secrets

from meetings.relay.dataplane.portable.sent import SentPackets
from meetings.relay.dataplane.portable.stream import Stream
from meetings.relay.interface import SEND_NOTHING, RtpHeader
from meetings.relay.plane import SubscriptionReport, SubscriptionSettings
from meetings.relay.red import renumbered
from meetings.relay.rewriting import Rewriter
from meetings.relay.rtcp import SenderReport
from meetings.relay.rtp import HeaderExtensions, assemble_rtp


class Subscription:
    """`nacked` and `retransmitted` are counted by whoever answers requests."""

    def __init__(self, settings: SubscriptionSettings) -> None:
        self.settings = settings
        self.transport, self.ssrc = settings.transport, settings.ssrc
        self.extensions = HeaderExtensions(
            settings.mid_extension,
            settings.mid,
            settings.send_time_extension,
            settings.congestion_extension,
        )
        self.sent = SentPackets()
        self.target: Stream | None = None
        self.current: Stream | None = None
        self.nacked = self.retransmitted = 0
        self._rewriter = Rewriter(settings.ssrc, secrets.randbits(15))
        self._rtx_sequence = secrets.randbits(15)
        self._payload_at = 12 + len(self.extensions.stamp(0.0))
        self._reported_at = float("-inf")

    def steer(self, stream: Stream | None) -> None:
        self.target = stream
        if stream is None:
            self.current = None
        elif stream is not self.current:
            stream.request_keyframe()

    def lose(self, stream: Stream) -> None:
        """The stream has ended."""
        if self.current is stream:
            self.current = None
        if self.target is stream:
            self.target = None

    @property
    def waiting_for_keyframe(self) -> bool:
        target = self.target
        return target is not None and target.is_video and target is not self.current

    def forward(self, stream: Stream, header: RtpHeader, now: float, number: int) -> bytes:
        """The packet that the stream has just received, as this subscriber gets it; `number` is the
        transport-wide one where it carries one."""
        if stream is not self.current and not self._may_switch(stream, header, now):
            return SEND_NOTHING
        payload_type, payload = self.settings.payload_type, stream.payload
        if stream.primary is not None:
            if self.settings.red_payload_type is not None:
                payload = renumbered(payload, stream.settings.payload_type, payload_type)
                payload_type = self.settings.red_payload_type
            else:
                payload = stream.primary
        block_bytes = self.extensions.stamp(now, number)
        return self._rewriter.write(header, payload, payload_type, block_bytes, stream.picture, now)

    def skip(self, stream: Stream, header: RtpHeader) -> None:
        if stream is self.current:
            self._rewriter.skip(header)

    def repeat(self, packet: bytes, now: float, number: int) -> bytes:
        """A packet sent before, under RTX (RFC 4588 §4): its old number goes before the payload."""
        if self.settings.rtx is None:
            raise ValueError("no RTX was negotiated")
        ssrc, payload_type = self.settings.rtx
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        timestamp = int.from_bytes(packet[4:8], "big")
        payload = packet[2:4] + packet[self._payload_at :]
        block = self.extensions.stamp(now, number)
        marker = packet[1] > 127
        return assemble_rtp(marker, payload_type, self._rtx_sequence, timestamp, ssrc, block, payload)

    def pad(self, octets: int, now: float, number: int) -> bytes:
        """A packet under RTX that holds nothing but padding (RFC 3550 §5.1), at most 255 octets."""
        if self.settings.rtx is None:
            raise ValueError("no RTX was negotiated")
        ssrc, payload_type = self.settings.rtx
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        block = self.extensions.stamp(now, number)
        padding = bytes(octets - 1) + bytes((octets,))
        packet = bytearray(assemble_rtp(False, payload_type, self._rtx_sequence, 0, ssrc, block, padding))
        packet[0] |= 0x20
        return bytes(packet)

    def _may_switch(self, stream: Stream, header: RtpHeader, now: float) -> bool:
        if stream is not self.target:
            return False
        if stream.is_video and not stream.keyframe:
            stream.request_keyframe()
            return False
        self._rewriter.switch(stream, header, stream.picture, now)
        self.current = stream
        return True

    def report_due(self, now: float, *, every: float) -> SenderReport | None:
        """The sender report, the first as soon as there is something to tell."""
        if now - self._reported_at < every:
            return None
        report = self._rewriter.sender_report(now)
        if report is not None:
            self._reported_at = now
        return report

    def report(self) -> SubscriptionReport:
        return SubscriptionReport(
            current_ssrc=self.current.ssrc if self.current else None,
            packets=self._rewriter.packets,
            octets=self._rewriter.octets,
            switches=self._rewriter.switches,
            nacked=self.nacked,
            retransmitted=self.retransmitted,
            waiting_for_keyframe=self.waiting_for_keyframe,
        )
