"""What peers send: RTP packets written from their parts (RFC 3550 section 5.1, RFC 8285)."""

from collections.abc import Sequence
from struct import Struct

from meetings.relay.rtp import RtpHeader

_FIXED = Struct("!BBHII")
_EXTENSION = Struct("!HH")
_VERSION_2 = 0x80
_HAS_EXTENSION = 0x10
_ONE_BYTE_PROFILE = 0xBEDE
_TWO_BYTE_PROFILE = 0x1000


def rebuild_rtp(
    packet: bytes,
    header: RtpHeader,
    *,
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    extensions: Sequence[tuple[int, bytes]],
    payload: bytes | None = None,
    marker: bool | None = None,
) -> bytes:
    """Put a new header before a packet's payload; contributing sources and padding are left out.

    Numbers are taken modulo their field. Extension identifiers are 1 to 255, values up to 255 bytes
    (ValueError otherwise).
    """
    if payload is None:
        payload = packet[header.payload_offset : len(packet) - header.padding]
    second = payload_type & 127
    if header.marker if marker is None else marker:
        second |= 128
    first = _VERSION_2 | _HAS_EXTENSION if extensions else _VERSION_2
    fixed = _FIXED.pack(first, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc & 0xFFFFFFFF)
    return b"".join((fixed, _write_extensions(extensions) if extensions else b"", payload))


def _write_extensions(extensions: Sequence[tuple[int, bytes]]) -> bytes:
    block = bytearray()
    for identifier, value in extensions:
        size = len(value)
        # The one-byte form knows identifiers 1 to 14 and values of 1 to 16 bytes.
        if identifier > 14 or not 1 <= size <= 16:
            return _write_two_byte(extensions)
        block.append(identifier << 4 | size - 1)
        block += value
    return _extension_block(_ONE_BYTE_PROFILE, block)


def _write_two_byte(extensions: Sequence[tuple[int, bytes]]) -> bytes:
    block = bytearray()
    for identifier, value in extensions:
        block.append(identifier)
        block.append(len(value))
        block += value
    return _extension_block(_TWO_BYTE_PROFILE, block)


def _extension_block(profile: int, elements: bytearray) -> bytes:
    elements += bytes(-len(elements) % 4)
    return _EXTENSION.pack(profile, len(elements) // 4) + elements
