"""RTP packets for tests, and the pictures in them."""

from meetings.relay.interface import RtpHeader
from tests.peers.rtp import rebuild_rtp


def vp8(picture: int, tl0: int, *, key: bool) -> bytes:
    """A VP8 payload with a 15-bit picture id."""
    return bytes((0x90, 0xE0, 0x80 | picture >> 8, picture & 0xFF, tl0, 0x00, 0x00 if key else 0x01)) + bytes(
        20
    )


def rtp(
    ssrc: int,
    sequence: int,
    timestamp: int,
    payload: bytes,
    payload_type: int = 96,
    extensions: tuple[tuple[int, bytes], ...] = (),
) -> bytes:
    """`extensions` as (identifier, value)."""
    head = RtpHeader(True, payload_type, sequence, timestamp, ssrc, 12, 0, {})
    return rebuild_rtp(
        bytes(12) + payload,
        head,
        payload_type=payload_type,
        sequence=sequence,
        timestamp=timestamp,
        ssrc=ssrc,
        extensions=list(extensions),
    )
