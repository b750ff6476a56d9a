"""LiveKit access tokens: strict reading, and the fresh ones the relay hands to connected clients."""

import base64
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import jwt

from meetings.relay.errors import Refused
from meetings.relay.interface import Grants, JoinClaims

# Clocks of the portal and the relay may differ by this much (seconds).
LEEWAY: Final = 10
PUBLIC: Final = "The access token was not accepted."

_GRANTS: Final = {
    "room_join": "roomJoin",
    "can_publish": "canPublish",
    "can_subscribe": "canSubscribe",
    "can_publish_data": "canPublishData",
    "can_update_own_metadata": "canUpdateOwnMetadata",
    "hidden": "hidden",
    "room_create": "roomCreate",
    "room_list": "roomList",
    "room_admin": "roomAdmin",
    "room_record": "roomRecord",
}


@dataclass(frozen=True)
class TokenClaims:
    """A verified token. `join` holds what it says about a person, `sha256` a signed body's hash."""

    join: JoinClaims
    sha256: str

    @property
    def grants(self) -> Grants:
        return self.join.grants


@dataclass(frozen=True)
class ApiKey:
    """One key pair of LiveKit's kind: tokens are HS256, issued by `key`, signed with `secret`.

    Tokens of `others` are accepted as well; whatever is signed here is signed with this pair.
    """

    key: str
    secret: str
    others: tuple["ApiKey", ...] = ()

    def verify(self, token: str, *, max_length: int = 16_384) -> TokenClaims:
        """Raises Refused(401) with the exact cause in `reason` only."""
        if not token or len(token) > max_length:
            raise _refused("no token, or an overlong one")
        try:
            pair = self._pair_of(token)
            claims = jwt.decode(
                token,
                pair.secret,
                algorithms=["HS256"],
                issuer=pair.key,
                leeway=LEEWAY,
                options={"require": ["exp", "iss"]},
            )
            return TokenClaims(_join_claims(claims), _text(claims, "sha256"))
        except (jwt.InvalidTokenError, TypeError, ValueError) as error:
            raise _refused(f"{type(error).__name__}: {error}") from error

    def lists_rooms(self, token: str, *, max_length: int) -> bool:
        """Whether it is a valid token of somebody who may see all rooms; nobody in a call has one."""
        try:
            return self.verify(token, max_length=max_length).grants.room_list
        except Refused:
            return False

    def _pair_of(self, token: str) -> "ApiKey":
        """The pair of the issuer that the token, not verified yet, names; this one for an unknown issuer."""
        if not self.others:
            return self
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        return next((pair for pair in self.others if pair.key == issuer), self)

    def renew(self, claims: JoinClaims, *, ttl: float, now: float | None = None) -> str:
        """A token that says the same for `ttl` more seconds, for a client that is connected."""
        return self._sign(
            {
                "sub": claims.identity,
                "name": claims.name,
                "metadata": claims.metadata,
                "attributes": dict(claims.attributes),
                "video": _grants_json(claims.grants),
            },
            ttl,
            now,
        )

    def sign_body(self, body: bytes, *, ttl: float = 300.0) -> str:
        """The Authorization of a webhook: a token over the body's SHA-256."""
        return self._sign({"sha256": base64.b64encode(hashlib.sha256(body).digest()).decode()}, ttl, None)

    def _sign(self, claims: dict[str, Any], ttl: float, now: float | None) -> str:
        issued = int(time.time() if now is None else now)
        times = {"iss": self.key, "iat": issued, "nbf": issued, "exp": issued + int(ttl)}
        return jwt.encode({**claims, **times}, self.secret, algorithm="HS256")


def _refused(reason: str) -> Refused:
    return Refused(status=401, public=PUBLIC, reason=f"token: {reason}")


def _join_claims(claims: Mapping[str, Any]) -> JoinClaims:
    attributes = claims.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise ValueError("attributes are not texts by name")
    attributes = {name: _text(attributes, name) for name in attributes}
    grants = _read_grants(claims.get("video") or {})
    return JoinClaims(
        identity=_text(claims, "sub"),
        name=_text(claims, "name"),
        room=grants.room,
        metadata=_text(claims, "metadata"),
        attributes=MappingProxyType(attributes),
        grants=grants,
        issued_at=int(claims.get("nbf") or claims.get("iat") or 0),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text")
    (name + value).encode()  # JSON can hold lone surrogates, which nothing that follows can write
    return value


def _read_grants(video: Mapping[str, Any]) -> Grants:
    if not isinstance(video, dict):
        raise ValueError("the video grant is not an object")
    given = {name: video[key] for name, key in _GRANTS.items() if video.get(key) is not None}
    if not all(isinstance(value, bool) for value in given.values()):
        raise ValueError("a grant is not true or false")
    sources = video.get("canPublishSources") or []
    if not isinstance(sources, list):
        raise ValueError("canPublishSources is not a list")
    sources = [_text({"source": source}, "source") for source in sources]
    return Grants(
        room=_text(video, "room"),
        can_publish_sources=tuple(source.lower() for source in sources),
        **given,
    )


def _grants_json(grants: Grants) -> dict[str, Any]:
    video: dict[str, Any] = {key: getattr(grants, name) for name, key in _GRANTS.items()}
    video["room"] = grants.room
    if grants.can_publish_sources:
        video["canPublishSources"] = list(grants.can_publish_sources)
    return video
