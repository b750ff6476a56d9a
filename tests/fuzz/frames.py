"""The stream of a peer over TCP: cut anywhere it gives the same datagrams, and keeps less than one frame."""

from collections.abc import Iterator

from meetings.relay.errors import MalformedPacket
from meetings.relay.ice_tcp.frames import LONGEST, FrameReader, frame


def run(data: bytes) -> None:
    at, stream = (data[0] * 3, data[1:]) if data else (0, b"")
    whole, cut = _read(stream), _read(stream[:at], stream[at:])
    assert whole == cut, "where the stream is cut matters"
    for datagram in whole:
        assert datagram is None or 0 < len(datagram) <= LONGEST
    known = [datagram for datagram in whole if datagram is not None]
    assert _read(b"".join(map(frame, known))) == known


def _read(*pieces: bytes) -> list[bytes | None]:
    """The datagrams; None in the end where the stream was given up."""
    reader, found = FrameReader(), list[bytes | None]()
    try:
        for piece in pieces:
            found.extend(reader.feed(piece))
            assert len(reader.rest) < LONGEST + 2
    except MalformedPacket:
        found.append(None)
    return found


def seeds() -> Iterator[bytes]:
    yield b"\1" + frame(b"abc") + frame(b"") + frame(b"de")
    yield b"\0" + frame(b"x" * 300) * 3
    yield b"\2\xff\xff"
