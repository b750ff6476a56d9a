"""What one subscription sent last, to be sent again."""

from typing import Final

# About a second of video at 2 Mbit/s; a NACK for anything older comes too late to be of use.
CACHE: Final = 256
# Two packets earn one retransmission: more would fill a path that is too narrow with what it has lost.
_EARNED, _SPENT, _MOST = 1, 2, 96


class SentPackets:
    """The packets that one SSRC sent last: as they were before protection where the peer takes RTX, else as
    they were sent.

    Without RTX they must be the very same bytes, and no number is protected twice: either would repeat an
    AES-GCM nonce (relay.md, native trap 2), which libsrtp does not refuse in the way aiortc sets it up.
    """

    def __init__(self) -> None:
        self._packets: list[tuple[int, bytes] | None] = [None] * CACHE
        self._highest = -1
        self._credit = _SPENT - _EARNED

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
        """Notes what was sent under a claimed number; every second packet earns one retransmission."""
        self._packets[number % CACHE] = number, data
        self._credit = min(self._credit + _EARNED, _MOST)

    def again(self, sequence: int) -> bytes | None:
        """A packet to be sent again; None where it is not kept, or where more is asked for than was sent."""
        if self._highest < 0:
            return None
        number = self._extended(sequence)
        kept = self._packets[number % CACHE]
        if kept is None or kept[0] != number or self._credit < _SPENT:
            return None
        self._credit -= _SPENT
        return kept[1]

    def _extended(self, sequence: int) -> int:
        return self._highest + ((sequence - self._highest + 0x8000) & 0xFFFF) - 0x8000

    def newest(self, count: int) -> list[bytes]:
        """The last packets, newest first: what a probe repeats. They cost no credit."""
        kept = (self._packets[number % CACHE] for number in range(self._highest, self._highest - count, -1))
        return [entry[1] for entry in kept if entry is not None]
