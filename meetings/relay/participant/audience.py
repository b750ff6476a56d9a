"""Who may watch one publisher's tracks (LiveKit's SubscriptionPermission)."""

from collections.abc import Mapping

from livekit.protocol.rtc import SubscriptionPermission, TrackPermission

from meetings.relay.errors import LimitExceeded


class Audience:
    """Everybody, until the publisher names whom. By identity, so that it holds for people who come back.

    A named person's tracks are None for all of them, those to come included.
    """

    def __init__(self) -> None:
        self._named: Mapping[str, frozenset[str] | None] | None = None

    def choose(self, wish: SubscriptionPermission, identities: Mapping[str, str], *, limit: int) -> None:
        """Takes the publisher's wish. `identities`: by sid, for clients that name people by it.

        Raises LimitExceeded beyond `limit` people.
        """
        if wish.all_participants:
            self._named = None
            return
        if len(wish.track_permissions) > limit:
            raise LimitExceeded(f"more than {limit} people named in a subscription permission")
        named = ((_identity(permission, identities), permission) for permission in wish.track_permissions)
        self._named = {identity: _tracks(permission) for identity, permission in named if identity}

    def allows(self, identity: str, track_sid: str) -> bool:
        if self._named is None:
            return True
        tracks = self._named.get(identity, frozenset())
        return tracks is None or track_sid in tracks


def _identity(permission: TrackPermission, identities: Mapping[str, str]) -> str | None:
    return permission.participant_identity or identities.get(permission.participant_sid)


def _tracks(permission: TrackPermission) -> frozenset[str] | None:
    return None if permission.all_tracks else frozenset(permission.track_sids)
