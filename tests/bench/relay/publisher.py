"""A camera and a microphone: packets as libwebrtc writes them, each marked, so that it is known again."""

import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aiortc import clock
from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, RtcpSenderInfo, RtcpSrPacket

from tests.bench.relay.line import Line
from tests.bench.relay.media import Media

VIDEO, AUDIO = 0, 1
MARK: Final = struct.Struct("!HBxI")  # publisher, kind, number; the last bytes of each payload
_HEADER: Final = struct.Struct("!BBHIIHH")
_PLI, _FIR = 1, 4
_PLI_PAUSE: Final = 0.3  # seconds; an encoder makes no keyframes faster


@dataclass(frozen=True)
class Stream:
    """What was negotiated; `extensions`: ids of mid, abs-send-time and transport-cc, where accepted."""

    ssrc: int
    payload_type: int
    mid: str
    extensions: Mapping[str, int]


@dataclass
class Publisher:
    """`sent[kind][n]`: when packet n left, in Unix nanoseconds."""

    number: int
    line: Line
    streams: tuple[Stream, Stream]
    media: Media
    sent: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    keyframes_asked: int = 0
    _frame: int = -1
    _pictures: int = 0
    _congestion: int = 0
    _restarted: float = 0.0
    _octets: list[int] = field(default_factory=lambda: [0, 0])
    _timestamps: list[int] = field(default_factory=lambda: [0, 0])

    def picture(self) -> None:
        """The next frame's packets, one after the other."""
        self._frame = (self._frame + 1) % len(self.media.frames)
        self._timestamps[VIDEO] = self._pictures * 3000 & 0xFFFFFFFF
        parts = self.media.frames[self._frame]
        for index, part in enumerate(parts):
            start = 0x90 if index == 0 else 0x80
            descriptor = bytes((start, 0x80, 0x80 | self._pictures >> 8 & 0x7F, self._pictures & 0xFF))
            self._send(VIDEO, descriptor + part, marker=index == len(parts) - 1)
        self._pictures += 1

    def sound(self) -> None:
        number = len(self.sent[AUDIO])
        self._timestamps[AUDIO] = number * 960 & 0xFFFFFFFF
        self._send(AUDIO, self.media.sounds[number % len(self.media.sounds)], marker=False)

    def _send(self, kind: int, payload: bytes, *, marker: bool) -> None:
        stream, numbers = self.streams[kind], self.sent[kind]
        number = len(numbers)
        extensions = self._extensions(stream)
        header = _HEADER.pack(
            *(0x90, marker << 7 | stream.payload_type, number & 0xFFFF, self._timestamps[kind]),
            *(stream.ssrc, 0xBEDE, len(extensions) // 4),
        )
        packet = b"".join(
            (header, extensions, payload[: -MARK.size], MARK.pack(self.number, kind, number & 0xFFFFFFFF))
        )
        self._octets[kind] += len(payload)
        protected = self.line.outbound.protect(packet)
        numbers.append(time.time_ns())
        self.line.send(protected)

    def _extensions(self, stream: Stream) -> bytes:
        parts = []
        if mid := stream.extensions.get("mid"):
            parts.append(bytes((mid << 4 | len(stream.mid) - 1,)) + stream.mid.encode())
        if sent := stream.extensions.get("abs-send-time"):
            now = clock.current_ntp_time() >> 14 & 0xFFFFFF
            parts.append(bytes((sent << 4 | 2,)) + now.to_bytes(3, "big"))
        if congestion := stream.extensions.get("transport-cc"):
            parts.append(struct.pack("!BH", congestion << 4 | 1, self._congestion))
            self._congestion = self._congestion + 1 & 0xFFFF
        packed = b"".join(parts)
        return packed + bytes(-len(packed) % 4)

    def report(self) -> None:
        """A sender report for each stream (RFC 3550 §6.4.1)."""
        for kind, stream in enumerate(self.streams):
            info = RtcpSenderInfo(
                ntp_timestamp=clock.current_ntp_time(),
                rtp_timestamp=self._timestamps[kind],
                packet_count=len(self.sent[kind]),
                octet_count=self._octets[kind] & 0xFFFFFFFF,
            )
            packet = RtcpSrPacket(ssrc=stream.ssrc, sender_info=info)
            self.line.send(self.line.outbound.protect_rtcp(bytes(packet)))

    def told(self, packet: bytes) -> None:
        """A keyframe that is asked for begins the film anew."""
        for each in RtcpPacket.parse(packet):
            if isinstance(each, RtcpPsfbPacket) and each.fmt in (_PLI, _FIR):
                self.keyframes_asked += 1
                if time.monotonic() - self._restarted > _PLI_PAUSE:
                    self._restarted, self._frame = time.monotonic(), -1
