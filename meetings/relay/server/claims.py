"""What a token must say, and not overstate, of whoever wants to join."""

from meetings.relay.errors import Refused
from meetings.relay.interface import JoinClaims, RelayLimits
from meetings.relay.signalling import ApiKey


def joining_claims(api_key: ApiKey, token: str, limits: RelayLimits) -> JoinClaims:
    """Raises Refused (401 or 403)."""
    claims = api_key.verify(token, max_length=limits.token).join
    if not claims.grants.room_join or not claims.room or not claims.identity:
        raise not_allowed(f"no right to join in the token of {claims.identity!r} for {claims.room!r}")
    size = sum(len(key) + len(value) for key, value in claims.attributes.items())
    if (
        max(len(claims.identity), len(claims.name), len(claims.room)) > limits.name
        or len(claims.metadata) > limits.metadata
        or len(claims.attributes) > limits.attributes
        or size > limits.attributes_bytes
    ):
        raise not_allowed(f"overlong claims of {claims.identity[:40]!r}")
    return claims


def not_allowed(reason: str) -> Refused:
    return Refused(status=403, public="Joining is not allowed.", reason=reason)
