"""The authenticated-encryption frames that a record log is made of (docs/record-log.md).

Pure: bytes in, bytes out. The reader and the writer share one `Envelope` per log.
"""

import hmac
import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC: Final = b"VISIOLOG"
VERSION: Final = 1
SALT_SIZE: Final = 32
PREAMBLE_SIZE: Final = len(MAGIC) + 1 + SALT_SIZE
KEY_SIZE: Final = 32
TAG_SIZE: Final = 16
CHECK_SIZE: Final = 8
FRAME_HEADER_SIZE: Final = 4 + CHECK_SIZE

_LENGTH = struct.Struct("!I")
_POSITION = struct.Struct("!QI")
_NONCE = struct.Struct("!IQ")


def preamble(salt: bytes) -> bytes:
    """The first bytes of a log: magic, version, salt."""
    return MAGIC + bytes([VERSION]) + salt


class Envelope:
    """Seals and opens the frames of one log. `key` is 32 bytes, `salt` is 32 bytes unique to the log."""

    def __init__(self, key: bytes, salt: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise ValueError(f"a record log's key has {KEY_SIZE} bytes, not {len(key)}")
        derived = HKDF(SHA256(), length=2 * KEY_SIZE, salt=salt, info=MAGIC + bytes([VERSION])).derive(key)
        self._aead = AESGCM(derived[:KEY_SIZE])
        self._check_key = derived[KEY_SIZE:]

    def seal(self, number: int, plaintext: bytes) -> bytes:
        """The whole frame, header included. The caller must never seal two plaintexts under one number."""
        length = len(plaintext) + TAG_SIZE
        position = _POSITION.pack(number, length)
        sealed = self._aead.encrypt(_NONCE.pack(0, number), plaintext, position)
        return _LENGTH.pack(length) + self._check(position) + sealed

    def length(self, number: int, header: bytes) -> int | None:
        """Bytes that follow a frame header, or None where the header is not frame `number`'s own.

        The length has a check of its own, so that a flipped bit in it is not mistaken for a torn tail.
        """
        (length,) = _LENGTH.unpack_from(header)
        genuine = hmac.compare_digest(header[_LENGTH.size :], self._check(_POSITION.pack(number, length)))
        return length if genuine else None

    def open(self, number: int, sealed: bytes) -> bytes | None:
        """The plaintext of frame `number`, or None where it is not authentic."""
        try:
            return self._aead.decrypt(_NONCE.pack(0, number), sealed, _POSITION.pack(number, len(sealed)))
        except InvalidTag:
            return None

    def _check(self, position: bytes) -> bytes:
        return hmac.digest(self._check_key, position, "sha256")[:CHECK_SIZE]
