"""One subscription: rewrites an up track's packets into one outgoing SSRC, across layer switches."""

import secrets
from collections import deque
from collections.abc import Mapping
from typing import Final

from livekit.protocol.models import VideoQuality

from meetings.relay.codecs import is_keyframe_start, parse_vp8, rewrite_vp8
from meetings.relay.interface import SEND_NOTHING, RtpHeader, Stream
from meetings.relay.layers import HIGH, LayerSize, choose_layer, quality_for
from meetings.relay.rtcp import SenderReport
from meetings.relay.rtp import SequenceUnwrapper, abs_send_time, rebuild_rtp
from meetings.relay.sdp import ABS_SEND_TIME, MID, Codec
from meetings.relay.uptrack import Layer, UpTrack

# Late packets keep the offset of their time; one from before this many gaps would take another's number.
_GAPS: Final = 64
_NTP_SECOND: Final = 1 << 32
# Reports that put a new layer further ahead of its arrival than this (seconds) tell of a clock that was set.
_REPORT_ERROR: Final = 2


class SequenceMap:
    """Outgoing sequence numbers without holes where probes were left out, and across sources."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._start()

    def _start(self) -> None:
        self._unwrapper = SequenceUnwrapper()
        self._first: int | None = None
        self._highest = 0
        self._offset = 0
        self._gaps: deque[tuple[int, int]] = deque(maxlen=_GAPS)

    def restart(self) -> None:
        """Another source follows; its first packet continues the count."""
        self._start()

    def skip(self, sequence: int) -> None:
        """A packet is left out; closes its gap unless later packets have already gone."""
        number = self._unwrapper.unwrap(sequence)
        if self._first is None or number <= self._highest:
            return
        # Numbers skipped by loss just before the probe keep their place in the outgoing count.
        self._highest = number
        if self._gaps and self._gaps[-1][0] == number - 1:
            self._gaps[-1] = number, self._gaps[-1][1]  # a burst of probes is one gap
        else:
            if len(self._gaps) == _GAPS:
                self._first = self._gaps[0][0] + 1
            self._gaps.append((number, self._offset))
        self._offset -= 1

    def map(self, sequence: int) -> int | None:
        """The outgoing 16-bit number; None for a packet from before the source began or long ago."""
        number = self._unwrapper.unwrap(sequence)
        if self._first is None:
            self._first = self._highest = number
            self._offset = self._next - number
        if number < self._first:
            return None
        outgoing = number + self._offset_at(number)
        self._highest = max(self._highest, number)
        self._next = max(self._next, outgoing + 1)
        return outgoing & 0xFFFF

    def _offset_at(self, number: int) -> int:
        for at, offset in self._gaps:
            if number <= at:
                return offset
        return self._offset


class DownTrack:
    """What one subscriber gets of one up track. `interface.PacketSink`.

    The SSRC is fresh for every subscription: one used again on a transport would repeat SRTP nonces.
    """

    def __init__(self, up: UpTrack, transport: int) -> None:
        self.up = up
        self._transport = transport
        self.ssrc = secrets.randbits(31) | 1
        self.mid: str | None = None
        self.codec: Codec | None = None
        self.wanted, self.ceiling, self.disabled = HIGH, HIGH, False
        self.paused = False
        self.ready = False
        self.current: Layer | None = None
        self.target: Layer | None = None
        self.packets = self.octets = self.switches = 0
        self._extensions: tuple[int | None, int | None] = (None, None)
        self._sequences = SequenceMap(secrets.randbits(15))
        self._timestamp_offset = 0
        self._last_timestamp, self._last_at = 0, 0.0
        self._picture_offset = self._tl0_offset = 0
        self._last_picture, self._last_tl0 = -1, 0

    @property
    def transport(self) -> int | None:
        return self._transport

    # Decisions, made by timer and by signalling, not per packet

    def assign(self, mid: str, codec: Codec, extensions: Mapping[str, int]) -> None:
        """The section that carries this subscription, as negotiated."""
        self.mid, self.codec = mid, codec
        self._extensions = extensions.get(MID), extensions.get(ABS_SEND_TIME)
        self._mid_value = mid.encode()

    def settings(self, *, disabled: bool, quality: int, width: int, height: int) -> None:
        """The subscriber's wish; a size in pixels counts more than a named quality."""
        sizes = [LayerSize(layer.quality, layer.width, layer.height) for layer in self.up.info.layers]
        by_size = quality_for(sizes, width, height) if width and height and sizes else quality
        self.disabled = disabled or quality == VideoQuality.OFF
        self.wanted = min(by_size, HIGH)

    def demand(self) -> int | None:
        """The best layer this subscription can use, None while nothing is wanted."""
        return None if self.disabled or not self.ready else self.wanted

    def retarget(self, now: float) -> None:
        """Chooses the layer to forward from those that arrive."""
        if self.disabled or self.paused or not self.ready:
            self.target = self.current = None
            return
        live = {self.up.order.index(layer.rid): layer for layer in self.up.live_layers(now)}
        if len(self.up.order) > 1:
            chosen = choose_layer(list(live), min(self.wanted, self.ceiling))
        else:
            chosen = next(iter(live), None)
        if chosen is None:
            return
        self.target = live[chosen]
        if self.target is not self.current and self.up.is_video:
            self.target.request_keyframe()

    # The packet path

    def forward(self, stream: Stream, header: RtpHeader, packet: bytes, now: float) -> bytes:
        if stream is not self.current and not self._may_switch(stream, header, packet, now):
            return SEND_NOTHING
        sequence = self._sequences.map(header.sequence)
        if sequence is None or self.codec is None:
            return SEND_NOTHING
        timestamp = (header.timestamp + self._timestamp_offset) & 0xFFFFFFFF
        out = rebuild_rtp(
            packet,
            header,
            payload_type=self.codec.payload_type,
            sequence=sequence,
            timestamp=timestamp,
            ssrc=self.ssrc,
            extensions=self._header_extensions(now),
            payload=self._renumbered(header, packet),
        )
        self._last_timestamp, self._last_at = timestamp, now
        self.packets += 1
        self.octets += len(out) - 12
        return out

    def skip(self, stream: Stream, header: RtpHeader) -> None:
        if stream is self.current:
            self._sequences.skip(header.sequence)

    def _may_switch(self, stream: Stream, header: RtpHeader, packet: bytes, now: float) -> bool:
        if self.target is None:
            self.retarget(now)
        layer = self.target
        if layer is None or stream is not layer:
            return False
        if self.up.is_video:
            payload = packet[header.payload_offset : len(packet) - header.padding]
            if self.up.codec is None or not is_keyframe_start(self.up.codec.mime("video"), payload):
                layer.request_keyframe()
                return False
            self._continue_pictures(payload)
        self._continue_clock(layer, header, now)
        self._sequences.restart()
        self.switches += self.current is not None
        self.current = layer
        return True

    def _continue_clock(self, layer: Layer, header: RtpHeader, now: float) -> None:
        if not self.packets:
            return
        wanted = self._same_instant(layer, header)
        elapsed = max(1, int((now - self._last_at) * layer.clock_rate))
        plausible = elapsed + _REPORT_ERROR * layer.clock_rate
        if wanted is None or not 0 < (wanted - self._last_timestamp) & 0xFFFFFFFF < plausible:
            wanted = self._last_timestamp + elapsed
        self._timestamp_offset = (wanted - header.timestamp) & 0xFFFFFFFF

    def _same_instant(self, layer: Layer, header: RtpHeader) -> int | None:
        """The outgoing timestamp of the new layer's packet by both layers' sender reports."""
        old = self.current.sender_clock if self.current else None
        new = layer.sender_clock
        if old is None or new is None:
            return None
        seconds = (new.ntp - old.ntp) / _NTP_SECOND
        ahead = (header.timestamp - new.rtp_timestamp + 0x80000000) % 0x100000000 - 0x80000000
        at_new_report = old.rtp_timestamp + int(seconds * layer.clock_rate)
        return (at_new_report + ahead + self._timestamp_offset) & 0xFFFFFFFF

    def _continue_pictures(self, payload: bytes) -> None:
        picture = parse_vp8(payload) if self.up.codec_name == "VP8" else None
        if picture is None or not self.packets:
            return
        if picture.picture_id is not None:
            self._picture_offset = self._last_picture + 1 - picture.picture_id
        if picture.tl0_picture_index is not None:
            self._tl0_offset = self._last_tl0 + 1 - picture.tl0_picture_index

    def _renumbered(self, header: RtpHeader, packet: bytes) -> bytes | None:
        """The VP8 payload with continuous picture ids; None where the payload stays as it is."""
        if len(self.up.order) < 2 or self.up.codec_name != "VP8":
            return None
        payload = packet[header.payload_offset : len(packet) - header.padding]
        picture = parse_vp8(payload)
        if picture is None or picture.picture_id is None:
            return None
        width = (1 << picture.picture_id_bits) - 1
        number = (picture.picture_id + self._picture_offset) & width
        tl0 = ((picture.tl0_picture_index or 0) + self._tl0_offset) & 0xFF
        if self._last_picture < 0 or (number - self._last_picture) & width <= width >> 1:
            self._last_picture, self._last_tl0 = number, tl0  # a late packet does not turn the count back
        return rewrite_vp8(payload, picture, picture_id=number, tl0_picture_index=tl0)

    def _header_extensions(self, now: float) -> list[tuple[int, bytes]]:
        mid, send_time = self._extensions
        extensions = [] if mid is None else [(mid, self._mid_value)]
        if send_time is not None:
            extensions.append((send_time, abs_send_time(now)))
        return extensions

    def sender_report(self, now: float) -> SenderReport | None:
        """The publisher's clock pair, carried forward to `now` and into this SSRC's timestamps."""
        layer = self.current
        if layer is None or layer.sender_clock is None or not self.packets:
            return None
        clock = layer.sender_clock
        passed = now - clock.at
        timestamp = clock.rtp_timestamp + int(passed * layer.clock_rate) + self._timestamp_offset
        return SenderReport(
            ssrc=self.ssrc,
            ntp=(clock.ntp + int(passed * _NTP_SECOND)) & 0xFFFFFFFFFFFFFFFF,
            rtp_timestamp=timestamp & 0xFFFFFFFF,
            packet_count=self.packets & 0xFFFFFFFF,
            octet_count=self.octets & 0xFFFFFFFF,
        )
