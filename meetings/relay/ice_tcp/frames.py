"""Datagrams on a stream, each behind its length in two bytes (RFC 4571 §2, asked for by RFC 6544 §3)."""

from collections.abc import Iterator
from typing import Final

from meetings.relay.errors import MalformedPacket

# What the data planes read of a datagram at most. TLS, HTTP and SSH begin with what would be a longer length.
LONGEST: Final = 2048


def frame(datagram: bytes) -> bytes:
    """The bytes to send for one datagram."""
    return len(datagram).to_bytes(2, "big") + datagram


class FrameReader:
    """Cuts a stream into datagrams; keeps less than one frame between calls."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The datagrams that are complete. Raises MalformedPacket for a length no peer of ours would send.

        To be read to its end, or not to be fed again.
        """
        data, position = self.rest + data, 0
        self.rest = b""
        while len(data) - position >= 2:
            end = position + 2 + int.from_bytes(data[position : position + 2], "big")
            if end - position > LONGEST + 2:
                raise MalformedPacket("an overlong frame")
            if end > len(data):
                break
            if end > position + 2:  # an empty one says nothing
                yield data[position + 2 : end]
            position = end
        self.rest = data[position:]
