"""The little of STUN an ICE-lite agent needs: binding requests in, responses out (RFC 8489, RFC 8445).

Anyone on the internet can send these bytes, so reading them never raises and costs little.
"""

import hashlib
import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from struct import Struct
from zlib import crc32

_HEADER = Struct("!HHI12s")
_ATTRIBUTE = Struct("!HH")
_COOKIE = 0x2112A442

_BINDING_REQUEST, _BINDING_RESPONSE, _BINDING_ERROR = 0x0001, 0x0101, 0x0111
_USERNAME, _MESSAGE_INTEGRITY, _ERROR_CODE, _XOR_MAPPED_ADDRESS = 0x0006, 0x0008, 0x0009, 0x0020
_PRIORITY, _USE_CANDIDATE, _FINGERPRINT = 0x0024, 0x0025, 0x8028
_ICE_CONTROLLED, _ICE_CONTROLLING = 0x8029, 0x802A

_INTEGRITY_BYTES = 20
_FINGERPRINT_XOR = 0x5354554E
_MAX_USERNAME = 513  # RFC 8489 section 14.3

ROLE_CONFLICT = 487


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A connectivity check. Nothing in it may be believed until `verify` says so."""

    transaction_id: bytes
    local_ufrag: str
    remote_ufrag: str
    use_candidate: bool
    priority: int
    controlling: bool
    datagram: bytes
    integrity_at: int


def parse_binding_request(datagram: bytes) -> BindingRequest | None:
    """The request, or None for anything else; only attributes covered by its integrity are read."""
    size = len(datagram)
    if size < 20 or size % 4:
        return None
    kind, length, cookie, transaction = _HEADER.unpack_from(datagram)
    if kind != _BINDING_REQUEST or cookie != _COOKIE or length != size - 20:
        return None
    attributes: dict[int, bytes] = {}
    position = 20
    while position < size:
        attribute, length = _ATTRIBUTE.unpack_from(datagram, position)
        value = datagram[position + 4 : position + 4 + length]
        if len(value) != length:
            return None
        if attribute == _MESSAGE_INTEGRITY:
            fits = length == _INTEGRITY_BYTES and _fingerprint_holds(datagram, position + 24)
            return _request(datagram, transaction, attributes, position) if fits else None
        attributes.setdefault(attribute, value)
        position += 4 + length + -length % 4
    return None


def _request(
    datagram: bytes, transaction: bytes, attributes: dict[int, bytes], integrity_at: int
) -> BindingRequest | None:
    username = attributes.get(_USERNAME, b"")
    local, colon, remote = username.partition(b":")
    if not colon or len(username) > _MAX_USERNAME or not username.isascii():
        return None
    return BindingRequest(
        transaction_id=transaction,
        local_ufrag=local.decode("ascii"),
        remote_ufrag=remote.decode("ascii"),
        use_candidate=_USE_CANDIDATE in attributes,
        priority=int.from_bytes(attributes.get(_PRIORITY, b"")[:4], "big"),
        controlling=_ICE_CONTROLLED not in attributes,
        datagram=datagram,
        integrity_at=integrity_at,
    )


def _fingerprint_holds(datagram: bytes, position: int) -> bool:
    """After the integrity comes the fingerprint, nothing, or attributes that must be ignored."""
    if len(datagram) < position + 8 or _ATTRIBUTE.unpack_from(datagram, position) != (_FINGERPRINT, 4):
        return True
    return datagram[position + 4 : position + 8] == _fingerprint(datagram[:position])


def _fingerprint(covered: bytes) -> bytes:
    return (crc32(covered) ^ _FINGERPRINT_XOR).to_bytes(4, "big")


def _integrity(covered: bytes, password: str) -> bytes:
    return hmac.digest(password.encode(), covered, hashlib.sha1)


def verify(request: BindingRequest, password: str) -> bool:
    """True when the sender knows `password` (RFC 8489 section 14.5, short-term credentials)."""
    end = request.integrity_at
    # The header's length counts up to the end of the integrity attribute, whatever follows it.
    length = (end + 4 + _INTEGRITY_BYTES - 20).to_bytes(2, "big")
    covered = request.datagram[:2] + length + request.datagram[4:end]
    given = request.datagram[end + 4 : end + 4 + _INTEGRITY_BYTES]
    return hmac.compare_digest(_integrity(covered, password), given)


def role_conflict(request: BindingRequest) -> bool:
    """A lite agent is always controlled, so a peer that says the same is wrong (RFC 8445 section 7.3.1.1)."""
    return not request.controlling


def binding_response(request: BindingRequest, password: str, address: tuple[str, int]) -> bytes:
    """The success response that tells the peer its own `address` (ip, port)."""
    mapped = _xor_address(address, request.transaction_id)
    return _seal(_BINDING_RESPONSE, request.transaction_id, _XOR_MAPPED_ADDRESS, mapped, password)


def error_response(request: BindingRequest, password: str, code: int, phrase: str) -> bytes:
    """An error response, e.g. ROLE_CONFLICT."""
    value = bytes((0, 0, code // 100, code % 100)) + phrase.encode()
    return _seal(_BINDING_ERROR, request.transaction_id, _ERROR_CODE, value, password)


def _xor_address(address: tuple[str, int], transaction_id: bytes) -> bytes:
    host = ip_address(address[0].partition("%")[0])
    packed = host.packed
    if host.version == 6 and host.ipv4_mapped is not None:
        packed = host.ipv4_mapped.packed  # a dual-stack socket's name for an IPv4 peer
    mask = _COOKIE.to_bytes(4, "big") + transaction_id
    port = (address[1] ^ _COOKIE >> 16).to_bytes(2, "big")
    family = b"\0\x01" if len(packed) == 4 else b"\0\x02"
    return family + port + bytes(a ^ b for a, b in zip(packed, mask, strict=False))


def _seal(kind: int, transaction_id: bytes, attribute: int, value: bytes, password: str) -> bytes:
    body = _ATTRIBUTE.pack(attribute, len(value)) + value + bytes(-len(value) % 4)
    length = len(body) + 4 + _INTEGRITY_BYTES
    message = _HEADER.pack(kind, length, _COOKIE, transaction_id) + body
    sealed = body + _ATTRIBUTE.pack(_MESSAGE_INTEGRITY, _INTEGRITY_BYTES) + _integrity(message, password)
    covered = _HEADER.pack(kind, length + 8, _COOKIE, transaction_id) + sealed
    return covered + _ATTRIBUTE.pack(_FINGERPRINT, 4) + _fingerprint(covered)
