"""What the portable plane keeps for one transport."""

from collections import OrderedDict
from typing import Final

from meetings.relay.interface import Address, SrtpSessions, Stream, TransportEvents
from meetings.relay.rtcp import TwccRecorder

# About a second of video at 2 Mbit/s; a NACK for anything older comes too late to be of use.
CACHE: Final = 256


class PacketCache:
    """Protected packets of one sent SSRC by sequence number. Sent again they are the very same bytes,
    so no nonce is used twice (relay.md, native trap 2)."""

    def __init__(self) -> None:
        self._packets: OrderedDict[int, bytes] = OrderedDict()

    def keep(self, sequence: int, data: bytes) -> None:
        self._packets[sequence] = data
        if len(self._packets) > CACHE:
            self._packets.popitem(last=False)

    def get(self, sequence: int) -> bytes | None:
        return self._packets.get(sequence)


class Transport:
    """Addresses, sessions and streams of one peer."""

    def __init__(self, events: TransportEvents) -> None:
        self.events = events
        self.sessions: SrtpSessions | None = None
        self.address: Address | None = None
        self.addresses: set[Address] = set()
        self.streams: dict[int, Stream] = {}
        self.caches: dict[int, PacketCache] = {}
        self.congestion: tuple[int, TwccRecorder] | None = None
