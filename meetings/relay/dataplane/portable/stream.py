"""One received SSRC: what arrives, what is missing, how loud it is."""

from typing import Final

from meetings.relay.codecs import Vp8Descriptor, is_keyframe_start, parse_vp8
from meetings.relay.interface import RtpHeader
from meetings.relay.plane import NEVER, SILENCE, SenderClock, StreamReport, StreamSettings
from meetings.relay.red import primary_block
from meetings.relay.rtcp import NackGenerator, ReceptionStatistics, ReportBlock
from meetings.relay.rtp import is_padding_only

# A keyframe costs ten deltas: asking again sooner than one can arrive only multiplies it.
PLI_INTERVAL: Final = 0.5
LEVEL_INTERVAL: Final = 0.1
# A stream that is silent for so long gets no reports and no requests.
LIVE_FOR: Final = 1.0


class Stream:
    """`rewriting.Source`. `picture`, `keyframe` and `payload` are those of the packet received last;
    `primary` is its newest sound where it is redundant audio; `audible`: whether it was forwarded."""

    def __init__(self, settings: StreamSettings) -> None:
        self.settings = settings
        self.ssrc, self.track, self.clock_rate = settings.ssrc, settings.track, settings.clock_rate
        self.is_video = settings.codec != "OPUS"
        self.layered = False  # others of the same track are there
        self.sender_clock: SenderClock | None = None
        self.picture: Vp8Descriptor | None = None
        self.keyframe = False
        self.payload = b""
        self.primary: bytes | None = None
        self.audible = True
        self.media_at = NEVER
        self._mime = f"video/{settings.codec}"
        self._vp8 = settings.codec == "VP8"
        self._statistics = ReceptionStatistics(settings.clock_rate)
        self._nacks = NackGenerator()
        self._packets = self._octets = self._repaired = self._asked = self._keyframes = 0
        self._fraction_lost = self._jitter = 0.0
        self._level, self._level_at, self._level_since = SILENCE, NEVER, NEVER
        self._keyframe_asked_at = NEVER
        self._keyframe_due = False

    def received(self, header: RtpHeader, packet: bytes, now: float, *, repair: bool = False) -> bool:
        """Accounts for a packet; False for a padding-only probe (relay.md, trap 2) or a foreign payload."""
        self._packets += 1
        if repair:
            # Another stream to its sender, and mostly probes that repeat what arrived: its losses and its
            # bitrate are its own.
            self._repaired += 1
        else:
            self._octets += len(packet)
            self._statistics.add(header.sequence, header.timestamp, now)
        if self.is_video:
            self._nacks.add(header.sequence, now)
        if is_padding_only(packet, header):
            return False
        self.payload = packet[header.payload_offset : len(packet) - header.padding]
        if not self._knows(header.payload_type):
            return False
        self.media_at = now
        if self.is_video:
            self.keyframe = is_keyframe_start(self._mime, self.payload)
            self._keyframes += self.keyframe
            self.picture = parse_vp8(self.payload) if self._vp8 and self.layered else None
        return True

    def _knows(self, payload_type: int) -> bool:
        """False for a foreign payload; takes the primary block out of a redundant one."""
        self.primary = None
        if payload_type == self.settings.payload_type:
            return True
        block = primary_block(self.payload) if payload_type == self.settings.red_payload_type else None
        if block is None or block[0] != self.settings.payload_type or not block[1]:
            return False
        self.primary = block[1]
        return True

    def hear(self, level: int, now: float) -> None:
        """One packet's loudness (-dBov)."""
        if now - self._level_since >= LEVEL_INTERVAL or level < self._level:
            if now - self._level_since >= LEVEL_INTERVAL:
                self._level_since = now
            self._level = level
        self._level_at = now

    def sender_report(self, ntp: int, rtp_timestamp: int, now: float) -> None:
        self._statistics.sender_report_seen(ntp, now)
        self.sender_clock = SenderClock(ntp, rtp_timestamp, now)

    # What its publisher is to be told

    def live(self, now: float) -> bool:
        return now - self.media_at < LIVE_FOR

    def request_keyframe(self) -> None:
        self._keyframe_due = self.is_video

    def keyframe_due(self, now: float) -> bool:
        """True at most once per PLI_INTERVAL while a keyframe is wanted; the caller then asks for one."""
        if self._nacks.needs_keyframe:
            self._nacks.needs_keyframe = False
            self._keyframe_due = True
        if not self._keyframe_due or now - self._keyframe_asked_at < PLI_INTERVAL:
            return False
        self._keyframe_due = False
        self._keyframe_asked_at = now
        return True

    def lost(self, now: float) -> list[int]:
        """16-bit numbers to ask for now."""
        numbers = self._nacks.due(now)
        self._asked += len(numbers)
        return numbers

    def report_block(self, now: float) -> ReportBlock:
        block = self._statistics.report_block(self.ssrc, now)
        self._fraction_lost = block.fraction_lost / 256
        self._jitter = block.jitter / self.clock_rate
        return block

    def report(self) -> StreamReport:
        return StreamReport(
            packets=self._packets,
            octets=self._octets,
            lost=max(0, self._statistics.packets_lost),
            repaired=self._repaired,
            nacks_sent=self._asked,
            keyframes=self._keyframes,
            fraction_lost=self._fraction_lost,
            jitter=self._jitter,
            media_at=self.media_at,
            level=self._level,
            level_at=self._level_at,
            audible=self.audible,
            sender_clock=self.sender_clock,
        )
