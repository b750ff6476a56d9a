"""A subscriber's side of RTCP: each second a receiver report and the bandwidth it has."""

from aiortc.rtp import (
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    pack_remb_fci,
)

from tests.bench.relay.ears import HEADER
from tests.bench.relay.line import Line

BANDWIDTH = 200_000_000  # bits per second: nothing is to be held back
_REMB = 15
_BLOCKS = 31  # RFC 3550 §6.4.2


class Watcher:
    """`hears` how many streams it should."""

    def __init__(self, number: int, line: Line, hears: frozenset[int]) -> None:
        self.number, self.line, self.hears = number, line, hears
        self._highest: dict[int, int] = {}

    def note(self, header: bytes) -> None:
        """Of one packet in a while: what it was numbered."""
        if len(header) == HEADER and header[0] >> 6 == 2 and not 192 <= header[1] <= 223:
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
        told = bytes(RtcpRrPacket(ssrc=1, reports=blocks)) + bytes(
            RtcpPsfbPacket(fmt=_REMB, ssrc=1, media_ssrc=0, fci=pack_remb_fci(BANDWIDTH, ssrcs[:_BLOCKS]))
        )
        self.line.send(self.line.outbound.protect_rtcp(told))
