"""Access tokens: any text, and any claims under a valid signature.

A first byte chooses: 0, the bytes are the token; else they are the payload of one that is signed rightly.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator

from meetings.relay.errors import Refused
from meetings.relay.signalling import ApiKey, TokenClaims

_KEY = ApiKey("key", "a-secret-of-more-than-thirty-two-bytes")
_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
_FAR = 4_000_000_000


def signed(payload: bytes) -> str:
    """A token that only the key's owner can make."""
    covered = _HEADER + b"." + base64.urlsafe_b64encode(payload).rstrip(b"=")
    mac = hmac.digest(_KEY.secret.encode(), covered, hashlib.sha256)
    return (covered + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def run(data: bytes) -> None:
    token = data[1:].decode("latin-1") if data[:1] == b"\0" else signed(data[1:])
    try:
        claims = _KEY.verify(token)
    except Refused as refused:
        if refused.status != 401:
            raise
        return
    _check(claims, len(token))


def _check(claims: TokenClaims, size: int) -> None:
    join, grants = claims.join, claims.grants
    texts = [join.identity, join.name, join.room, join.metadata, claims.sha256, *grants.can_publish_sources]
    for name, value in join.attributes.items():
        texts += [name, value]
    for text in texts:
        assert isinstance(text, str)
        assert len(text.encode()) <= 3 * size
    assert all(isinstance(value, bool) for value in (grants.room_join, grants.hidden, grants.room_admin))
    assert isinstance(join.issued_at, int)
    renewed = _KEY.verify(_KEY.renew(join, ttl=60), max_length=1 << 20).join
    assert (renewed.identity, renewed.name, renewed.metadata) == (join.identity, join.name, join.metadata)
    assert (dict(renewed.attributes), renewed.grants) == (dict(join.attributes), grants)


def seeds() -> Iterator[bytes]:
    claims = {
        "iss": "key",
        "exp": _FAR,
        "nbf": 1,
        "sub": "ann",
        "name": "Ann",
        "metadata": "m",
        "attributes": {"role": "guest"},
        "sha256": "x",
        "video": {"roomJoin": True, "room": "r", "canPublishSources": ["camera"], "hidden": False},
    }
    yield b"\0" + signed(json.dumps(claims).encode()).encode()
    yield b"\1" + json.dumps(claims).encode()
    yield b"\1" + json.dumps({"iss": "key", "exp": _FAR, "iat": 1, "aud": ["x"]}).encode()
    yield b"\1" + b'{"iss":"key","exp":NaN,"nbf":1e400}'
    yield b"\1" + b"[" * 2000
