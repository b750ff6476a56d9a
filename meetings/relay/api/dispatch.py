"""From a request's path and token to a method of a service."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message
from livekit.protocol.egress import ListEgressRequest, StopEgressRequest, TrackEgressRequest
from livekit.protocol.room import (
    CreateRoomRequest,
    DeleteRoomRequest,
    ListParticipantsRequest,
    ListRoomsRequest,
    MuteRoomTrackRequest,
    RoomParticipantIdentity,
    SendDataRequest,
    UpdateParticipantRequest,
    UpdateRoomMetadataRequest,
    UpdateSubscriptionsRequest,
)

from meetings.relay.api.egress import EgressService
from meetings.relay.api.figures import FiguresService
from meetings.relay.api.rooms import RoomService
from meetings.relay.api.twirp import JSON, PROTOBUF, Answer, TwirpError, answer, parse
from meetings.relay.errors import LimitExceeded, Refused
from meetings.relay.interface import Clock, Grants, RelayLimits
from meetings.relay.room import Rooms
from meetings.relay.signalling import ApiKey

log = logging.getLogger("visio.relay")


@dataclass(frozen=True)
class _Method:
    request: type[Message]
    handler: Callable[[Any], Awaitable[Message]]
    allowed: Callable[[Grants, Any], bool]


# What LiveKit's server offers besides: it mixes pictures, takes in streams and telephones, runs agents.
_ELSEWHERE: Final = frozenset(
    {
        "RoomService/ForwardParticipant",
        "RoomService/MoveParticipant",
        "RoomService/PerformRpc",
        "Egress/StartEgress",
        "Egress/StartRoomCompositeEgress",
        "Egress/StartWebEgress",
        "Egress/StartParticipantEgress",
        "Egress/StartTrackCompositeEgress",
        "Egress/UpdateLayout",
        "Egress/UpdateStream",
    }
)
_SERVICES_ELSEWHERE: Final = frozenset(
    {"Ingress", "SIP", "AgentDispatchService", "Connector", "PhoneNumberService"}
)


def _is_livekits(name: str) -> bool:
    """Whether LiveKit knows a method of that name which is not offered here."""
    return name in _ELSEWHERE or name.partition("/")[0] in _SERVICES_ELSEWHERE


def _admin(grants: Grants, request: Any) -> bool:
    """`roomAdmin` counts for the room the token names, no other."""
    name: str = request.name if isinstance(request, CreateRoomRequest) else request.room
    return grants.room_admin and bool(grants.room) and grants.room == name


class Api:
    """Answers `/twirp/livekit.<Service>/<Method>`, and our own. `overview` tells of the relay as a whole."""

    def __init__(
        self,
        rooms: Rooms,
        api_key: ApiKey,
        limits: RelayLimits,
        clock: Clock,
        overview: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._api_key, self._limits = api_key, limits
        room, egress = RoomService(rooms, limits, clock), EgressService(rooms)
        figures = FiguresService(rooms, clock, overview)

        def record(grants: Grants, _: Any) -> bool:
            return grants.room_record

        def listing(grants: Grants, _: Any) -> bool:
            return grants.room_list

        def creating(grants: Grants, _: Any) -> bool:
            return grants.room_create

        self._methods = {
            "RoomService/CreateRoom": _Method(CreateRoomRequest, room.create_room, creating),
            "RoomService/ListRooms": _Method(ListRoomsRequest, room.list_rooms, listing),
            "RoomService/DeleteRoom": _Method(DeleteRoomRequest, room.delete_room, creating),
            "RoomService/ListParticipants": _Method(ListParticipantsRequest, room.list_people, _admin),
            "RoomService/GetParticipant": _Method(RoomParticipantIdentity, room.get_person, _admin),
            "RoomService/RemoveParticipant": _Method(RoomParticipantIdentity, room.remove_person, _admin),
            "RoomService/MutePublishedTrack": _Method(MuteRoomTrackRequest, room.mute, _admin),
            "RoomService/UpdateParticipant": _Method(UpdateParticipantRequest, room.update_person, _admin),
            "RoomService/UpdateSubscriptions": _Method(
                UpdateSubscriptionsRequest, room.subscriptions, _admin
            ),
            "RoomService/SendData": _Method(SendDataRequest, room.send_data, _admin),
            "RoomService/UpdateRoomMetadata": _Method(UpdateRoomMetadataRequest, room.room_metadata, _admin),
            "Egress/StartTrackEgress": _Method(TrackEgressRequest, egress.start, record),
            "Egress/StopEgress": _Method(StopEgressRequest, egress.stop, record),
            "Egress/ListEgress": _Method(ListEgressRequest, egress.list, record),
            "visio.Figures/GetRoom": _Method(ListParticipantsRequest, figures.room, _admin),
            "visio.Figures/GetParticipant": _Method(RoomParticipantIdentity, figures.person, _admin),
            "visio.Figures/GetRelay": _Method(ListRoomsRequest, figures.relay, listing),
        }

    async def call(self, path: str, authorization: str, body: bytes, content_type: str) -> Answer:
        """(status, content type, body) for one request; errors are answers, too."""
        try:
            name = path.strip("/").removeprefix("twirp/").removeprefix("livekit.")
            method = self._methods.get(name)
            if method is None and not _is_livekits(name):
                raise TwirpError("bad_route", "no such method")
            kind = content_type.partition(";")[0].strip().lower()
            if kind not in (JSON, PROTOBUF):
                raise TwirpError("bad_route", "content type must be application/protobuf or application/json")
            grants = self._authenticate(authorization)
            if method is None:
                raise TwirpError("unimplemented", "this server does not offer that")
            request = parse(method.request, body, kind)
            if not method.allowed(grants, request):
                raise TwirpError("permission_denied", "the token does not allow this")
            return answer(await method.handler(request), kind)
        except TwirpError as error:
            log.info("API %s refused: %s: %s", path, error.code, error.message)
            return error.answer()
        except LimitExceeded as error:
            log.warning("API %s refused: %s", path, error)
            return TwirpError("resource_exhausted", "over a limit").answer()
        except Exception:
            log.exception("API %s failed", path)
            return TwirpError("internal", "internal error").answer()

    def _authenticate(self, authorization: str) -> Grants:
        scheme, _, token = authorization.partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise Refused(status=401, public="", reason="no bearer token")
            return self._api_key.verify(token.strip(), max_length=self._limits.token).grants
        except Refused as refused:
            log.warning("API refused: %s", refused.reason)
            raise TwirpError("unauthenticated", "the access token was not accepted") from refused
