"""LiveKit's RoomService."""

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
    UpdateSubscriptionsRequest,
    UpdateSubscriptionsResponse,
)
from livekit.protocol.rtc import SignalRequest, UpdateSubscription

from meetings.relay.api.twirp import TwirpError
from meetings.relay.data import from_server
from meetings.relay.errors import LimitExceeded
from meetings.relay.interface import Clock, RelayLimits
from meetings.relay.participant import Participant, handle, permit, update_info
from meetings.relay.recorder import RecordingRefused
from meetings.relay.room import Room, Rooms


class RoomService:
    """One coroutine per method. Raises TwirpError and LimitExceeded."""

    def __init__(self, rooms: Rooms, limits: RelayLimits, clock: Clock) -> None:
        self._rooms, self._limits, self._clock = rooms, limits, clock

    async def create_room(self, request: CreateRoomRequest) -> RoomInfo:
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

    async def list_rooms(self, request: ListRoomsRequest) -> ListRoomsResponse:
        wanted = set(request.names)
        found = [room.snapshot() for room in self._rooms if not wanted or room.name in wanted]
        return ListRoomsResponse(rooms=found)

    async def delete_room(self, request: DeleteRoomRequest) -> DeleteRoomResponse:
        await self._rooms.end(find_room(self._rooms, request.room), DisconnectReason.ROOM_DELETED)
        return DeleteRoomResponse()

    async def room_metadata(self, request: UpdateRoomMetadataRequest) -> RoomInfo:
        room = find_room(self._rooms, request.room)
        if len(request.metadata) > self._limits.metadata:
            raise LimitExceeded("room metadata")
        room.info.metadata = request.metadata
        room.update()
        return room.snapshot()

    async def list_people(self, request: ListParticipantsRequest) -> ListParticipantsResponse:
        room = find_room(self._rooms, request.room)
        return ListParticipantsResponse(participants=[person.info for person in room.people.values()])

    async def get_person(self, request: RoomParticipantIdentity) -> ParticipantInfo:
        return find_person(self._rooms, request.room, request.identity).info

    async def remove_person(self, request: RoomParticipantIdentity) -> RemoveParticipantResponse:
        # Before anything else: who is not here yet shall not come, either.
        at = request.revoke_token_ts or self._clock.wall_ns() // 1_000_000_000
        self._rooms.revocations.revoke(request.room, request.identity, at)
        room = find_room(self._rooms, request.room)
        person = room.people.get(request.identity)
        if person is None:
            raise TwirpError("not_found", "participant does not exist")
        room.remove(person, DisconnectReason.PARTICIPANT_REMOVED)
        return RemoveParticipantResponse()

    async def mute(self, request: MuteRoomTrackRequest) -> MuteRoomTrackResponse:
        person = find_person(self._rooms, request.room, request.identity)
        track = person.publications.get(request.track_sid)
        if track is None:
            raise TwirpError("not_found", "track does not exist")
        if not request.muted and track.muted:
            # Nobody is put on air by somebody else.
            raise TwirpError("failed_precondition", "remote unmute is not allowed")
        person.mute(track, request.muted, by_server=True)
        return MuteRoomTrackResponse(track=track.info)

    async def update_person(self, request: UpdateParticipantRequest) -> ParticipantInfo:
        person = find_person(self._rooms, request.room, request.identity)
        if not update_info(person, request.name, request.metadata, dict(request.attributes)):
            raise LimitExceeded("participant's name, metadata or attributes")
        if request.HasField("permission"):
            permit(person, request.permission)
        return person.info

    async def subscriptions(self, request: UpdateSubscriptionsRequest) -> UpdateSubscriptionsResponse:
        """As if the subscriber had asked: tracks that are not there are skipped, and their client is told."""
        wish = UpdateSubscription(
            track_sids=request.track_sids,
            subscribe=request.subscribe,
            participant_tracks=request.participant_tracks,
        )
        handle(find_person(self._rooms, request.room, request.identity), SignalRequest(subscription=wish))
        return UpdateSubscriptionsResponse()

    async def send_data(self, request: SendDataRequest) -> SendDataResponse:
        room = find_room(self._rooms, request.room)
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


def find_room(rooms: Rooms, name: str) -> Room:
    """Raises TwirpError(not_found)."""
    room = rooms.get(name)
    if room is None:
        raise TwirpError("not_found", "requested room does not exist")
    return room


def find_person(rooms: Rooms, room: str, identity: str) -> Participant:
    """Raises TwirpError(not_found)."""
    person = find_room(rooms, room).people.get(identity)
    if person is None:
        raise TwirpError("not_found", "participant does not exist")
    return person
