"""What the portal asks of a media server, over LiveKit's server API, and the tokens it accepts.

The same calls serve the embedded relay, a LiveKit cluster and, each for its own rooms, several relays.
Never call one inside a transaction.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Any, TypeVar

import aiohttp
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from livekit import api
from livekit.api.twirp_client import TwirpClient

from meetings import placements
from meetings.errors import MediaServerDown, NotMeasured

log = logging.getLogger("visio.media")

TOKEN_LIFETIME = timedelta(minutes=5)
CHAT_TOPIC = "visio.chat"
RECORDING_TOPIC = "visio.recording"

_SOON = aiohttp.ClientTimeout(total=3)  # asked again every few seconds
_UNKNOWN_METHOD = ("bad_route", "unimplemented")

Answer = TypeVar("Answer")


def client_url() -> str:
    """The WebSocket address given to SDKs that run on this machine; browsers use their page's own origin."""
    return settings.MEDIA_CLIENT_URL.replace("http", "ws", 1)


def join_token(*, room: str, identity: str, name: str, role: str) -> str:
    """A LiveKit access token: five minutes to connect, bound to room, identity, name and role."""
    grants = api.VideoGrants(
        room_join=True, room=room, can_publish=True, can_subscribe=True, can_publish_data=True
    )
    token = api.AccessToken(settings.MEDIA_SERVER_KEY, settings.MEDIA_SERVER_SECRET)
    token = token.with_identity(identity).with_name(name).with_grants(grants)
    return token.with_attributes({"role": role}).with_ttl(TOKEN_LIFETIME).to_jwt()


def recording_begin(*, room: str, prefix: str) -> None:
    """Writes every present and future track of the room into *prefix*. Raises MediaServerDown."""
    egress = api.RoomEgress(tracks=api.AutoTrackEgress(filepath=prefix))
    server = _holder(room)
    if server is None:
        raise _down()
    _ask(server, lambda asked: asked.room.create_room(api.CreateRoomRequest(name=room, egress=egress)))


def recording_end(*, room: str) -> None:
    """Ends the room's automatic recording and all running track recordings. Raises MediaServerDown."""
    request = api.CreateRoomRequest(name=room, egress=api.RoomEgress())
    if server := _holder(room):
        _ask(server, lambda asked: asked.room.create_room(request))


def recording_is_written(*, room: str) -> bool:
    """Whether a track of the room is still being recorded or closed. Raises MediaServerDown."""
    server, request = _holder(room), api.ListEgressRequest(room_name=room, active=True)
    return server is not None and bool(_ask(server, lambda asked: asked.egress.list_egress(request)).items)


def room_is_open(*, room: str) -> bool:
    """Whether the media server has this room now. Raises MediaServerDown."""
    server = _holder(room)
    return server is not None and room in rooms_open([room], at=server)


def holders(rooms: Collection[str]) -> dict[str, set[str]]:
    """The media servers' addresses, each with those of the rooms that it may have.

    Raises MediaServerDown where there is no media server.
    """
    found: dict[str, set[str]] = {}
    for room, place in placements.places(rooms).items():
        found.setdefault(place.address, set()).add(room)
    if not found and not placements.anybody_lives():
        raise _down()
    return found


def rooms_open(rooms: Collection[str], *, at: str) -> dict[str, bool]:
    """Those of the rooms that the media server there has now, each with whether it is recorded.

    Raises MediaServerDown.
    """
    if not rooms:
        return {}
    answer = _ask(at, lambda asked: asked.room.list_rooms(api.ListRoomsRequest(names=rooms)))
    return {found.name: found.active_recording for found in answer.rooms if found.name in rooms}


def data_send(*, room: str, topic: str, payload: bytes) -> None:
    """Sends a reliable data packet to everybody in the room. Raises MediaServerDown."""
    request = api.SendDataRequest(room=room, data=payload, kind=api.DataPacket.Kind.RELIABLE, topic=topic)
    if server := _holder(room):
        _ask(server, lambda asked: asked.room.send_data(request))


def room_figures(*, room: str) -> dict[str, Any]:
    """How its people are connected, as the relay's own service tells it; empty where the room is not open.

    Raises MediaServerDown, and NotMeasured where the media server is none of ours.
    """
    return _figures(room, "GetRoom", api.ListParticipantsRequest(room=room))


def participant_figures(*, room: str, identity: str) -> dict[str, Any]:
    """One person's share of `room_figures`; empty where they are not in the room. Raises as that."""
    return _figures(room, "GetParticipant", api.RoomParticipantIdentity(room=room, identity=identity))


def _figures(room: str, method: str, request: Message) -> dict[str, Any]:
    server = _holder(room)
    if server is None:
        return {}
    address, grants = server, api.VideoGrants(room_admin=True, room=room)

    async def figures(_: api.LiveKitAPI) -> Struct:
        async with aiohttp.ClientSession(timeout=_SOON) as session:
            client = TwirpClient(session, address, "visio", failover=False)
            return await client.request("Figures", method, request, _authorization(grants), Struct)

    try:
        return MessageToDict(_ask(address, figures))
    except MediaServerDown as error:
        code = error.__cause__.code if isinstance(error.__cause__, api.TwirpError) else ""
        if code == "not_found":
            return {}
        if code in _UNKNOWN_METHOD:
            raise NotMeasured(_("This media server does not measure connections.")) from error
        raise


def participant_remove(*, room: str, identity: str) -> None:
    """Disconnects a participant. Raises MediaServerDown."""
    request = api.RoomParticipantIdentity(room=room, identity=identity)
    if server := _holder(room):
        _ask(server, lambda asked: asked.room.remove_participant(request))


def room_end(*, room: str) -> None:
    """Disconnects everybody. A room that is not open is as good as ended. Raises MediaServerDown."""
    if (server := _holder(room)) and rooms_open([room], at=server):
        _ask(server, lambda asked: asked.room.delete_room(api.DeleteRoomRequest(room=room)))


def _holder(room: str) -> str | None:
    """The address of the media server that has the room, or would; None where several are there, and the
    room is on none of them. Raises MediaServerDown where there is none."""
    return next(iter(holders([room])), None)


def _authorization(grants: api.VideoGrants) -> dict[str, str]:
    token = api.AccessToken(settings.MEDIA_SERVER_KEY, settings.MEDIA_SERVER_SECRET).with_grants(grants)
    return {"authorization": f"Bearer {token.to_jwt()}"}


def _ask(address: str, call: Callable[[api.LiveKitAPI], Awaitable[Answer]]) -> Answer:
    _require_no_transaction()

    async def asking() -> Answer:
        timeout = aiohttp.ClientTimeout(total=10)
        key, secret = settings.MEDIA_SERVER_KEY, settings.MEDIA_SERVER_SECRET
        async with api.LiveKitAPI(address, key, secret, timeout=timeout) as server:
            return await call(server)

    try:
        return asyncio.run(asking())
    except (aiohttp.ClientError, TimeoutError, api.TwirpError) as error:
        log.warning("the media server did not do what was asked: %s", error)
        raise _down() from error


def _down() -> MediaServerDown:
    return MediaServerDown(_("The media server cannot be reached just now. Please try again."))


def _require_no_transaction() -> None:
    """Raises RuntimeError inside a transaction: it would be held open for as long as the answer takes, and
    what the media server tells meanwhile could not be recorded."""
    blocks = transaction.get_connection().atomic_blocks
    if blocks and not getattr(blocks[-1], "_from_testcase", False):  # Django's own test for `durable`
        raise RuntimeError("the media server was asked inside a transaction")
