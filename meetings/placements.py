"""Reads: which media server has which room."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now

from meetings.models import Placement, Relay

# A heartbeat is due twice a second; one that is older (or younger, by a clock set back) is missed.
BEAT: Final = 0.5
MISSED: Final = timedelta(seconds=2)


@dataclass(frozen=True)
class Place:
    """A media server, and where the portal reaches it; `relay` is None where the operator has named it."""

    address: str
    relay: UUID | None = None


def fixed() -> Place | None:
    """The one media server of all rooms, where there is one."""
    return None if settings.MEDIA_REGISTERED else Place(str(settings.MEDIA_SERVER_URL).rstrip("/"))


def places(rooms: Iterable[str]) -> dict[str, Place]:
    """Where these rooms are; those that no relay holds are left out."""
    if only := fixed():
        return dict.fromkeys(rooms, only)
    held = Placement.objects.filter(room__in=set(rooms)).values_list("room", "relay__address", "relay_id")
    return {room: Place(address, relay) for room, address, relay in held}


def living() -> list[Relay]:
    """The relays whose heart beats, draining ones included."""
    return [relay for relay in Relay.objects.annotate(now=Now()) if not misses_beats(relay, relay.now)]


def anybody_lives() -> bool:
    """Whether there is a media server at all, as far as is known."""
    return fixed() is not None or bool(living())


def misses_beats(relay: Relay, now: datetime) -> bool:
    """Whether nothing was heard of it, by the database's clock."""
    return abs(now - relay.seen_at) > MISSED
