"""Where the portal sends a joining client: to the one media server, or to the relay that has the room."""

from collections.abc import Iterable
from typing import Final

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError

from meetings import placements
from meetings.errors import MediaServerDown
from meetings.placements import Place
from meetings.relay.errors import Refused
from meetings.relay.signalling import ApiKey
from meetings.services import placing

_LONGEST_ROOM: Final = 256


class RelayRefused(Exception):
    """A relay would not let this client in, or did not."""


class RelayAway(Exception):
    """No relay answers; a client should try again."""


async def place_of(room: str) -> Place:
    """Where the room is; a room that is nowhere is placed. Raises RelayAway where there is no relay."""
    if only := placements.fixed():
        return only
    try:
        return await database_sync_to_async(placing.room_place)(room=room)
    except (MediaServerDown, OperationalError, InterfaceError) as error:
        raise RelayAway(str(error)) from error


async def any_place() -> Place:
    """A relay that can judge a token, whichever. Raises RelayAway."""
    if only := placements.fixed():
        return only
    try:
        found = await database_sync_to_async(placements.living)()
    except (OperationalError, InterfaceError) as error:
        raise RelayAway(str(error)) from error
    if not found:
        raise RelayAway("no relay is there")
    return Place(found[0].address, found[0].id)


async def is_gone(place: Place, *, answers: bool) -> bool:
    """Whether its rooms are to be looked for elsewhere from now on. *answers*: it did a moment ago."""
    if place.relay is None:
        return False
    try:
        return await database_sync_to_async(placing.relay_is_gone)(relay=place.relay, answers=answers)
    except (OperationalError, InterfaceError):
        return False


async def silent(places: Iterable[Place]) -> list[Place]:
    """Those whose heartbeat is missing; nobody where that cannot be said just now."""
    try:
        living = {relay.id for relay in await database_sync_to_async(placements.living)()}
    except (OperationalError, InterfaceError):
        return []
    return [place for place in places if place.relay not in living]


async def places_now(rooms: Iterable[str]) -> dict[str, Place] | None:
    """Where these rooms are, those that are nowhere left out; None where that cannot be said just now."""
    try:
        return await database_sync_to_async(placements.places)(rooms)
    except (OperationalError, InterfaceError):
        return None


def room_named(token: str) -> str:
    """The room that a token is for. Where each room has a relay of its own, strangers place none: the token
    is verified. Raises RelayRefused. The one media server of all rooms judges by itself: empty."""
    if placements.fixed():
        return ""
    key = ApiKey(settings.MEDIA_SERVER_KEY, settings.MEDIA_SERVER_SECRET)
    try:
        join = key.verify(token).join
    except Refused as refused:
        raise RelayRefused(refused.reason) from None
    if not join.grants.room_join or not 0 < len(join.room) <= _LONGEST_ROOM:
        raise RelayRefused(f"no right to join in the token of {join.identity!r}")
    return join.room
