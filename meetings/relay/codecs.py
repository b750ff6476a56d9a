"""What a forwarder must know of video payloads: where a keyframe starts, and VP8's running numbers."""

from collections.abc import Callable
from dataclasses import dataclass

_H264_IDR, _H264_SPS, _H264_STAP_A, _H264_FU_A = 5, 7, 24, 28


def is_keyframe_start(mime: str, payload: bytes) -> bool:
    """True when a decoder can begin with this packet; `mime` as in "video/VP8", unknown ones are False."""
    test = _KEYFRAME_STARTS.get(mime.lower())
    return bool(payload) and test is not None and test(payload)


def _vp8_keyframe(payload: bytes) -> bool:
    descriptor = parse_vp8(payload)
    return descriptor is not None and descriptor.keyframe


def _vp9_keyframe(payload: bytes) -> bool:
    """RFC 9628 section 4.2: begins a frame (B), not inter-predicted (P), of the lowest spatial layer."""
    first = payload[0]
    if first & 0x40 or not first & 0x08:
        return False
    if not first & 0x20:  # L: no layer indices
        return True
    layer_at = 1
    if first & 0x80:
        if len(payload) < 2:
            return False
        layer_at = 3 if payload[1] & 0x80 else 2
    return len(payload) > layer_at and not payload[layer_at] & 0x0E


def _h264_keyframe(payload: bytes) -> bool:
    """RFC 6184 sections 5.6 to 5.8: a parameter set, or an IDR picture's first slice."""
    kind = payload[0] & 31
    if kind == _H264_STAP_A:
        return _h264_aggregate_keyframe(payload)
    if kind == _H264_FU_A:
        return len(payload) > 2 and payload[1] & 0x80 != 0 and _begins_idr(payload[1] & 31, payload[2])
    return len(payload) > 1 and _begins_idr(kind, payload[1])


def _h264_aggregate_keyframe(payload: bytes) -> bool:
    position = 1
    while position + 4 <= len(payload):
        size = payload[position] << 8 | payload[position + 1]
        if size > 1 and _begins_idr(payload[position + 2] & 31, payload[position + 3]):
            return True
        position += 2 + size
    return False


def _begins_idr(kind: int, following: int) -> bool:
    # A slice header starts with first_mb_in_slice; its Exp-Golomb zero, the first slice, is one set bit.
    return kind == _H264_SPS or (kind == _H264_IDR and following & 0x80 != 0)


def _av1_keyframe(payload: bytes) -> bool:
    """AV1 RTP section 4.4: N, first packet of a coded video sequence, which Z, a continuation, rules out."""
    return payload[0] & 0x88 == 0x08


_KEYFRAME_STARTS: dict[str, Callable[[bytes], bool]] = {
    "video/vp8": _vp8_keyframe,
    "video/vp9": _vp9_keyframe,
    "video/h264": _h264_keyframe,
    "video/av1": _av1_keyframe,
}


@dataclass(frozen=True, slots=True)
class Vp8Descriptor:
    """A VP8 payload descriptor (RFC 7741 section 4.2), `size` bytes long.

    `picture_id_bits` is 7, 15, or 0 where there is no picture id; absent fields are None.
    """

    size: int
    start_of_partition: bool
    keyframe: bool
    picture_id: int | None
    picture_id_bits: int
    tl0_picture_index: int | None
    temporal_id: int | None


def parse_vp8(payload: bytes) -> Vp8Descriptor | None:
    """The descriptor, or None when it is cut short."""
    if not payload:
        return None
    first, size = payload[0], 1
    picture_id = tl0 = temporal = None
    bits = 0
    try:
        if first & 0x80:
            extension, size = payload[1], 2
            if extension & 0x80:
                picture_id, bits = payload[2], 7
                if picture_id & 0x80:
                    picture_id, bits = (picture_id & 0x7F) << 8 | payload[3], 15
                size += 1 if bits == 7 else 2
            if extension & 0x40:
                tl0 = payload[size]
                size += 1
            if extension & 0x30:
                temporal = payload[size] >> 6 if extension & 0x20 else None
                size += 1
    except IndexError:
        return None
    if size > len(payload):
        return None
    start = first & 0x17 == 0x10
    keyframe = start and size < len(payload) and not payload[size] & 1
    return Vp8Descriptor(size, start, keyframe, picture_id, bits, tl0, temporal)


def rewrite_vp8(
    payload: bytes, descriptor: Vp8Descriptor, *, picture_id: int, tl0_picture_index: int
) -> bytes:
    """The payload with these numbers, modulo their width, in the fields that `descriptor` has."""
    head = bytearray(payload[: descriptor.size])
    position = 2
    if descriptor.picture_id_bits == 15:
        head[2] = 0x80 | picture_id >> 8 & 0x7F
        head[3] = picture_id & 0xFF
        position = 4
    elif descriptor.picture_id_bits == 7:
        head[2] = picture_id & 0x7F
        position = 3
    if descriptor.tl0_picture_index is not None:
        head[position] = tl0_picture_index & 0xFF
    return bytes(head) + payload[descriptor.size :]
