"""LiveKit's server API (Twirp): RoomService and Egress, as far as the portal steers a meeting with it."""

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.json_format import MessageToJson, Parse, ParseError
from google.protobuf.message import DecodeError, Message
from livekit.protocol.egress import (
    EgressInfo,
    EgressStatus,
    ListEgressRequest,
    ListEgressResponse,
    StopEgressRequest,
    TrackEgressRequest,
)
from livekit.protocol.models import DataPacket, DisconnectReason, ParticipantInfo
from livekit.protocol.models import Room as RoomInfo
from livekit.protocol.room import (
    CreateRoomRequest,
    DeleteRoomRequest,
    DeleteRoomResponse,
    ListParticipantsRequest,
    ListParticipantsResponse,
    ListRoomsRequest,
    ListRoomsResponse,
    MuteRoomTrackRequest,
    MuteRoomTrackResponse,
    RemoveParticipantResponse,
    RoomParticipantIdentity,
    SendDataRequest,
    SendDataResponse,
    UpdateParticipantRequest,
    UpdateRoomMetadataRequest,
)

from meetings.relay.data import from_server
from meetings.relay.errors import LimitExceeded, Refused
from meetings.relay.interface import Clock, Grants, RelayLimits
from meetings.relay.participant import Participant, update_info
from meetings.relay.recorder import RecordingRefused
from meetings.relay.room import Room, Rooms
from meetings.relay.signalling import ApiKey

log = logging.getLogger("visio.relay")

JSON: Final = "application/json"
PROTOBUF: Final = "application/protobuf"
# Twirp's error codes and their HTTP status (twitchtv.github.io/twirp/docs/errors.html).
_STATUS: Final = {
    "invalid_argument": 400,
    "malformed": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "bad_route": 404,
    "already_exists": 409,
    "failed_precondition": 412,
    "resource_exhausted": 429,
    "internal": 500,
    "unimplemented": 501,
}

Answer = tuple[int, str, bytes]


class TwirpError(Exception):
    """Answered as JSON; `code` is one of Twirp's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message

    def answer(self) -> Answer:
        body = json.dumps({"code": self.code, "msg": self.message}).encode()
        return _STATUS[self.code], JSON, body


@dataclass(frozen=True)
class _Method:
    request: type[Message]
    handler: Callable[[Any], Awaitable[Message]]
    allowed: Callable[[Grants, Any], bool]


def _admin(grants: Grants, request: Any) -> bool:
    """`roomAdmin` counts for the room the token names, no other."""
    name: str = request.name if isinstance(request, CreateRoomRequest) else request.room
    return grants.room_admin and bool(grants.room) and grants.room == name


class Api:
    """Answers `/twirp/livekit.<Service>/<Method>`."""

    def __init__(self, rooms: Rooms, api_key: ApiKey, limits: RelayLimits, clock: Clock) -> None:
        self._rooms, self._api_key, self._limits, self._clock = rooms, api_key, limits, clock

        def record(grants: Grants, _: Any) -> bool:
            return grants.room_record

        def listing(grants: Grants, _: Any) -> bool:
            return grants.room_list

        def creating(grants: Grants, _: Any) -> bool:
            return grants.room_create

        self._methods = {
            "RoomService/CreateRoom": _Method(CreateRoomRequest, self._create_room, creating),
            "RoomService/ListRooms": _Method(ListRoomsRequest, self._list_rooms, listing),
            "RoomService/DeleteRoom": _Method(DeleteRoomRequest, self._delete_room, creating),
            "RoomService/ListParticipants": _Method(ListParticipantsRequest, self._list_people, _admin),
            "RoomService/GetParticipant": _Method(RoomParticipantIdentity, self._get_person, _admin),
            "RoomService/RemoveParticipant": _Method(RoomParticipantIdentity, self._remove_person, _admin),
            "RoomService/MutePublishedTrack": _Method(MuteRoomTrackRequest, self._mute, _admin),
            "RoomService/UpdateParticipant": _Method(UpdateParticipantRequest, self._update_person, _admin),
            "RoomService/SendData": _Method(SendDataRequest, self._send_data, _admin),
            "RoomService/UpdateRoomMetadata": _Method(UpdateRoomMetadataRequest, self._room_metadata, _admin),
            "Egress/StartTrackEgress": _Method(TrackEgressRequest, self._start_egress, record),
            "Egress/StopEgress": _Method(StopEgressRequest, self._stop_egress, record),
            "Egress/ListEgress": _Method(ListEgressRequest, self._list_egress, record),
        }

    async def call(self, path: str, authorization: str, body: bytes, content_type: str) -> Answer:
        """(status, content type, body) for one request; errors are answers, too."""
        try:
            method = self._methods.get(path.strip("/").removeprefix("twirp/").removeprefix("livekit."))
            if method is None:
                raise TwirpError("bad_route", "no such method")
            kind = content_type.partition(";")[0].strip().lower()
            if kind not in (JSON, PROTOBUF):
                raise TwirpError("bad_route", "content type must be application/protobuf or application/json")
            grants = self._authenticate(authorization)
            request = _parse(method.request, body, kind)
            if not method.allowed(grants, request):
                raise TwirpError("permission_denied", "the token does not allow this")
            return _answer(await method.handler(request), kind)
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

    # RoomService

    async def _create_room(self, request: CreateRoomRequest) -> RoomInfo:
        if not request.name:
            raise TwirpError("invalid_argument", "a room needs a name")
        if len(request.metadata) > self._limits.metadata:
            raise LimitExceeded("room metadata")
        room = self._rooms.get_or_create(request.name)
        room.info.empty_timeout = request.empty_timeout or room.info.empty_timeout
        room.info.departure_timeout = request.departure_timeout or room.info.departure_timeout
        room.info.max_participants = request.max_participants or room.info.max_participants
        if request.metadata:
            room.info.metadata = request.metadata
        if request.HasField("egress"):
            self._automatic_egress(room, request)
        room.update()
        return room.snapshot()

    def _automatic_egress(self, room: Room, request: CreateRoomRequest) -> None:
        """With `tracks`: record everything, on an existing room, too. Without: end every recording."""
        if not request.egress.HasField("tracks"):
            room.recorder.stop_all()
            return
        try:
            room.recorder.record_all(request.egress.tracks.filepath, tuple(room.tracks()))
        except RecordingRefused as error:
            raise TwirpError("invalid_argument", str(error)) from error

    async def _list_rooms(self, request: ListRoomsRequest) -> ListRoomsResponse:
        wanted = set(request.names)
        found = [room.snapshot() for room in self._rooms if not wanted or room.name in wanted]
        return ListRoomsResponse(rooms=found)

    async def _delete_room(self, request: DeleteRoomRequest) -> DeleteRoomResponse:
        await self._rooms.end(self._room(request.room), DisconnectReason.ROOM_DELETED)
        return DeleteRoomResponse()

    async def _room_metadata(self, request: UpdateRoomMetadataRequest) -> RoomInfo:
        room = self._room(request.room)
        if len(request.metadata) > self._limits.metadata:
            raise LimitExceeded("room metadata")
        room.info.metadata = request.metadata
        room.update()
        return room.snapshot()

    async def _list_people(self, request: ListParticipantsRequest) -> ListParticipantsResponse:
        room = self._room(request.room)
        return ListParticipantsResponse(participants=[person.info for person in room.people.values()])

    async def _get_person(self, request: RoomParticipantIdentity) -> ParticipantInfo:
        return self._person(request.room, request.identity).info

    async def _remove_person(self, request: RoomParticipantIdentity) -> RemoveParticipantResponse:
        room = self._room(request.room)
        room.revoked[request.identity] = request.revoke_token_ts or self._clock.wall_ns() // 1_000_000_000
        person = room.people.get(request.identity)
        if person is None:
            raise TwirpError("not_found", "participant does not exist")
        room.remove(person, DisconnectReason.PARTICIPANT_REMOVED)
        return RemoveParticipantResponse()

    async def _mute(self, request: MuteRoomTrackRequest) -> MuteRoomTrackResponse:
        person = self._person(request.room, request.identity)
        track = person.publications.get(request.track_sid)
        if track is None:
            raise TwirpError("not_found", "track does not exist")
        if not request.muted and track.muted:
            # Nobody is put on air by somebody else.
            raise TwirpError("failed_precondition", "remote unmute is not allowed")
        person.mute(track, request.muted, by_server=True)
        return MuteRoomTrackResponse(track=track.info)

    async def _update_person(self, request: UpdateParticipantRequest) -> ParticipantInfo:
        person = self._person(request.room, request.identity)
        if not update_info(person, request.name, request.metadata, dict(request.attributes)):
            raise LimitExceeded("participant's name, metadata or attributes")
        if request.HasField("permission"):
            person.permit(request.permission)
        return person.info

    async def _send_data(self, request: SendDataRequest) -> SendDataResponse:
        room = self._room(request.room)
        by_sid = {person.sid: person.identity for person in room.people.values()}
        named = [by_sid[sid] for sid in request.destination_sids if sid in by_sid]
        if request.destination_sids and not named and not request.destination_identities:
            return SendDataResponse()
        message = from_server(
            payload=request.data,
            topic=request.topic if request.HasField("topic") else None,
            reliable=request.kind == DataPacket.Kind.RELIABLE,
            destinations=(*request.destination_identities, *named),
            limit=self._limits.data_message,
        )
        room.distribute(message, sender=None)
        return SendDataResponse()

    # Egress

    async def _start_egress(self, request: TrackEgressRequest) -> EgressInfo:
        room = self._room(request.room_name)
        track = room.find_track(request.track_id)
        if track is None:
            raise TwirpError("not_found", "track does not exist")
        if not request.HasField("file"):
            raise TwirpError("invalid_argument", "only file output is supported")
        try:
            return room.recorder.start(track, request.file.filepath)
        except RecordingRefused as error:
            raise TwirpError("failed_precondition", str(error)) from error

    async def _stop_egress(self, request: StopEgressRequest) -> EgressInfo:
        for room in self._rooms:
            info = room.recorder.stop(request.egress_id)
            if info is not None:
                return info
        raise TwirpError("not_found", "egress does not exist")

    async def _list_egress(self, request: ListEgressRequest) -> ListEgressResponse:
        infos = [info for room in self._rooms for info in room.recorder.infos()]
        return ListEgressResponse(items=[info for info in infos if _wanted(info, request)])

    def _room(self, name: str) -> Room:
        room = self._rooms.get(name)
        if room is None:
            raise TwirpError("not_found", "requested room does not exist")
        return room

    def _person(self, room: str, identity: str) -> Participant:
        person = self._room(room).people.get(identity)
        if person is None:
            raise TwirpError("not_found", "participant does not exist")
        return person


_RUNNING: Final[Sequence[EgressStatus]] = (
    EgressStatus.EGRESS_STARTING,
    EgressStatus.EGRESS_ACTIVE,
    EgressStatus.EGRESS_ENDING,
)


def _wanted(info: EgressInfo, request: ListEgressRequest) -> bool:
    return (
        request.room_name in ("", info.room_name)
        and request.egress_id in ("", info.egress_id)
        and (not request.active or info.status in _RUNNING)
    )


def _parse(kind: type[Message], body: bytes, content_type: str) -> Message:
    try:
        if content_type == JSON:
            return Parse(body or b"{}", kind(), ignore_unknown_fields=True)
        return kind.FromString(body)
    except (ParseError, DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TwirpError("malformed", "the request cannot be read") from error


def _answer(message: Message, content_type: str) -> Answer:
    if content_type == JSON:
        return 200, JSON, MessageToJson(message).encode()
    return 200, PROTOBUF, message.SerializeToString()
