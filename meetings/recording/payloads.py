"""The payload descriptors of video codecs in RTP: VP8 (RFC 7741), VP9 (RFC 9628). Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VideoPart:
    """A packet's share of a frame. `first`: it begins the frame; `keyframe`: and the frame is one."""

    payload: bytes
    first: bool
    keyframe: bool


def vp8_part(data: bytes) -> VideoPart | None:
    """Strips the VP8 payload descriptor (RFC 7741 §4.2); None where it is malformed."""
    try:
        position = 1
        if data[0] & 0x80:  # X
            extension, position = data[1], 2
            if extension & 0x80:  # I: picture id of one or two bytes
                position += 2 if data[position] & 0x80 else 1
            position += bool(extension & 0x40)  # L
            position += bool(extension & 0x30)  # T or K
        first = bool(data[0] & 0x10) and data[0] & 0x07 == 0  # S, and partition 0
        # Bit 0 of a frame's first byte is 0 in keyframes (RFC 6386 §9.1).
        return VideoPart(data[position:], first, first and not data[position] & 1)
    except IndexError:
        return None


def vp9_part(data: bytes) -> VideoPart | None:
    """Strips the VP9 payload descriptor (RFC 9628 §4.2); None where it is malformed.

    Of several spatial layers only the lowest is kept: the upper ones would need a superframe index.
    """
    try:
        flags, position, spatial = data[0], 1, 0
        if flags & 0x80:  # I
            position += 2 if data[position] & 0x80 else 1
        if flags & 0x20:  # L
            spatial = data[position] >> 1 & 0x07
            position += 1 if flags & 0x10 else 2  # TL0PICIDX outside flexible mode
        if flags & 0x50 == 0x50:  # P and F: up to three reference indices
            for _ in range(3):
                position += 1
                if not data[position - 1] & 1:
                    break
        if flags & 0x02:  # V
            position = _skip_vp9_structure(data, position)
        if position >= len(data):
            return None
        if spatial:
            return VideoPart(b"", False, False)
        first = bool(flags & 0x08)
        return VideoPart(data[position:], first, first and not flags & 0x40)
    except IndexError:
        return None


def _skip_vp9_structure(data: bytes, position: int) -> int:
    head = data[position]
    position += 1
    if head & 0x10:  # Y: a size for each spatial layer
        position += 4 * ((head >> 5) + 1)
    if head & 0x08:  # G: the group's pictures
        count = data[position]
        position += 1
        for _ in range(count):
            position += 1 + (data[position] >> 2 & 0x03)
    return position
