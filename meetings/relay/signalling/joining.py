"""The `join_request` parameter of `/rtc/v1`: base64url of a WrappedJoinRequest, perhaps gzip inside."""

import base64
import binascii
import zlib

from google.protobuf.message import DecodeError
from livekit.protocol.rtc import JoinRequest, WrappedJoinRequest

from meetings.relay.errors import Refused

_GZIP = 16 + zlib.MAX_WBITS
_TO_URL_SAFE = str.maketrans("+/", "-_")


def decode_join_request(text: str, *, limit: int) -> JoinRequest:
    """Raises Refused(400). `limit`: bytes, both as sent and unpacked."""
    if not text or len(text) > limit:
        raise _refused("missing or too long")
    try:
        text = text.rstrip("=").translate(_TO_URL_SAFE)
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        wrapped = WrappedJoinRequest.FromString(raw)
        packed = wrapped.compression == WrappedJoinRequest.Compression.GZIP
        data = _unpack(wrapped.join_request, limit) if packed else wrapped.join_request
        return JoinRequest.FromString(data)
    except (binascii.Error, ValueError, DecodeError, zlib.error) as error:
        raise _refused(f"{type(error).__name__}: {error}") from error


def _unpack(data: bytes, limit: int) -> bytes:
    """gzip with a bound, for a few bytes can unpack to gigabytes."""
    inflater = zlib.decompressobj(_GZIP)
    unpacked = inflater.decompress(data, limit)
    if inflater.unconsumed_tail:
        raise ValueError("unpacks beyond the limit")
    return unpacked


def _refused(reason: str) -> Refused:
    return Refused(status=400, public="The join request cannot be read.", reason=f"join request: {reason}")
