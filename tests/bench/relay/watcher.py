"""A subscriber's side of RTCP: receiver reports each second, and what congestion control wants to know."""

from aiortc.rtp import (
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    pack_remb_fci,
)

from tests.bench.relay.congestion import Congestion
from tests.bench.relay.ears import Ears
from tests.bench.relay.line import Line

BANDWIDTH = 200_000_000  # bits per second: nothing is to be held back
FEEDBACK_EVERY = 0.1  # seconds; libwebrtc: 50 to 250 ms, by the bandwidth
_REMB = 15
_BLOCKS = 31  # RFC 3550 §6.4.2


class Watcher:
    """`hears` which publishers it should; `congestion` None: the bandwidth is told by REMB instead."""

    def __init__(self, number: int, line: Line, hears: frozenset[int], congestion: Congestion | None) -> None:
        self.number, self.line, self.hears = number, line, hears
        self._congestion = congestion
        self._highest: dict[int, int] = {}

    def note(self, header: bytes) -> None:
        """Of one packet in a while: what it was numbered."""
        if header[0] >> 6 == 2 and not 192 <= header[1] <= 223:
            self._highest[int.from_bytes(header[8:12], "big")] = int.from_bytes(header[2:4], "big")

    def report(self) -> None:
        ssrcs = list(self._highest)
        if not ssrcs:
            return
        blocks = [
            RtcpReceiverInfo(
                ssrc=ssrc, fraction_lost=0, packets_lost=0, highest_sequence=highest, jitter=0, lsr=0, dlsr=0
            )
            for ssrc, highest in list(self._highest.items())[:_BLOCKS]
        ]
        told = bytes(RtcpRrPacket(ssrc=1, reports=blocks))
        if self._congestion is None:
            bandwidth = pack_remb_fci(BANDWIDTH, ssrcs[:_BLOCKS])
            told += bytes(RtcpPsfbPacket(fmt=_REMB, ssrc=1, media_ssrc=0, fci=bandwidth))
        self._say(told)

    def feedback(self, ears: Ears, peer: int) -> None:
        """Transport-wide feedback, where the server numbers its packets."""
        heard = ears.heard.get(peer)
        if self._congestion is not None and heard is not None:
            for packet in self._congestion.packets(*heard):
                self._say(packet)

    def _say(self, packet: bytes) -> None:
        self.line.send(self.line.outbound.protect_rtcp(packet))
