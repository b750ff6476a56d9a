"""What the portable plane keeps for one transport."""

from typing import Final

from meetings.relay.dataplane.datagrams import Route
from meetings.relay.interface import Address, SrtpSessions, Stream, TransportEvents
from meetings.relay.rtcp import TwccRecorder

# About a second of video at 2 Mbit/s; a NACK for anything older comes too late to be of use.
CACHE: Final = 256
# What a client sends between its last DTLS flight and the moment its keys are here: some milliseconds.
EARLY: Final = 64


class SentPackets:
    """The protected packets that one SSRC sent last.

    Sent again they are the very same bytes, and no number is protected twice: either would repeat an AES-GCM
    nonce (relay.md, native trap 2), which libsrtp does not refuse in the way aiortc sets it up.
    """

    def __init__(self) -> None:
        self._packets: list[tuple[int, bytes] | None] = [None] * CACHE
        self._highest = -1
        self._credit = 0

    def claim(self, sequence: int) -> int | None:
        """The place of a packet that is about to be protected; None where its number was or may have been
        used."""
        if self._highest < 0:
            self._highest = sequence + 0x10000  # room for packets that were sent before the first to come
            return self._highest
        number = self._extended(sequence)
        if number > self._highest:
            self._highest = number
            return number
        kept = self._packets[number % CACHE]
        if number <= self._highest - CACHE or (kept is not None and kept[0] == number):
            return None
        return number

    def keep(self, number: int, data: bytes) -> None:
        """Notes what was sent under a claimed number; each packet sent earns one retransmission."""
        self._packets[number % CACHE] = number, data
        if self._credit < CACHE:
            self._credit += 1

    def again(self, sequence: int) -> bytes | None:
        """A packet to be sent again; None where it is not kept, or where more is asked for than was sent."""
        number = self._extended(sequence)
        kept = self._packets[number % CACHE]
        if kept is None or kept[0] != number or not self._credit:
            return None
        self._credit -= 1
        return kept[1]

    def _extended(self, sequence: int) -> int:
        return self._highest + ((sequence - self._highest + 0x8000) & 0xFFFF) - 0x8000


class Transport:
    """Addresses (with the time of their last check), sessions and streams of one peer."""

    def __init__(self, events: TransportEvents) -> None:
        self.events = events
        self.sessions: SrtpSessions | None = None
        self.route: Route | None = None
        self.addresses: dict[Address, float] = {}
        self.early: list[bytes] = []
        self.streams: dict[int, Stream] = {}
        self.sent: dict[int, SentPackets] = {}
        self.congestion: tuple[int, TwccRecorder] | None = None
