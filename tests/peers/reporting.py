"""A transport that speaks RTCP, too: it reports on what it sends and on what arrives over a given path."""

import asyncio
import struct
import time
from collections import Counter
from dataclasses import dataclass

from meetings.relay.rtcp import ReceiverReport, ReportBlock, SenderReport, parse_rtcp, serialize_rtcp

from .transport import LightTransport

SENT_EVERY = 0.3  # seconds


@dataclass
class Path:
    """`delay` goes unsaid, as a long path does; `held` is told as DLSR (seconds). `loses_up`: each n-th media
    packet is lost on its way to the relay; `loses_down`: each n-th that arrives is not counted."""

    delay: float = 0.0
    held: float = 0.0
    loses_up: int = 0
    loses_down: int = 0


class ReportingTransport(LightTransport):
    """Its clock is `epoch` seconds after 1900, whatever the relay's is."""

    def __init__(self, path: Path, *, epoch: float = 3_000_000_000.0) -> None:
        super().__init__()
        self._path, self._epoch = path, epoch
        self._sent: Counter[int] = Counter()
        self._sent_in_all = self._arrived = 0
        self._reported_at: dict[int, float] = {}
        self._highest: dict[int, int] = {}
        self._lost: Counter[int] = Counter()

    def protect(self, packet: bytes) -> bytes:
        _, _, timestamp, ssrc = struct.unpack_from("!HHII", packet)
        self._sent[ssrc] += 1
        now = time.monotonic()
        if now - self._reported_at.get(ssrc, 0.0) >= SENT_EVERY:
            self._reported_at[ssrc] = now
            ntp = int((self._epoch + now) * (1 << 32))
            self._say(SenderReport(ssrc, ntp, timestamp, self._sent[ssrc], 0))
        return super().protect(packet)

    def send(self, data: bytes) -> None:
        if _is_media(data):
            self._sent_in_all += 1
            if self._path.loses_up and self._sent_in_all % self._path.loses_up == 0:
                return
        super().send(data)

    def _media(self, data: bytes) -> None:
        super()._media(data)
        if _is_media(data):
            self._take(*struct.unpack_from("!2xH4xI", data))
            return
        session = self._dtls._rx_srtp
        for packet in parse_rtcp(session.unprotect_rtcp(data)) if session is not None else ():
            if isinstance(packet, SenderReport):
                wait = self._path.delay + self._path.held
                asyncio.get_running_loop().call_later(wait, self._answer, packet)

    def _take(self, sequence: int, ssrc: int) -> None:
        self._arrived += 1
        if self._path.loses_down and self._arrived % self._path.loses_down == 0:
            self._lost[ssrc] += 1
        self._highest[ssrc] = max(sequence, self._highest.get(ssrc, 0))

    def _answer(self, report: SenderReport) -> None:
        block = ReportBlock(
            ssrc=report.ssrc,
            fraction_lost=0,
            packets_lost=self._lost[report.ssrc],
            highest_sequence=self._highest.get(report.ssrc, 0),
            jitter=900,
            lsr=report.ntp >> 16 & 0xFFFFFFFF,
            dlsr=int(self._path.held * 65_536),
        )
        self._say(ReceiverReport(1, (block,)))

    def _say(self, packet: SenderReport | ReceiverReport) -> None:
        session = self._dtls._tx_srtp
        if session is None or self.dead:
            return
        for compound in serialize_rtcp([packet]):
            super().send(session.protect_rtcp(compound))


def _is_media(data: bytes) -> bool:
    """RTP, not RTCP (RFC 5761 §4)."""
    return 128 <= data[0] <= 191 and not 192 <= data[1] <= 223
