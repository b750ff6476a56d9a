"""LiveKit's server API, through livekit-api."""

import time
from typing import Any

import jwt
import pytest
from livekit import api
from livekit.protocol.models import (
    DataPacket,
    DisconnectReason,
    TrackType,
)
from livekit.protocol.rtc import (
    AddTrackRequest,
    RequestResponse,
)

from meetings.relay.errors import Refused

from .adapter import SECRET
from .stage import Stage, bearer, settle, token


async def test_rooms_are_made_listed_and_deleted(stage: Stage, livekit: api.LiveKitAPI) -> None:
    made = await livekit.room.create_room(api.CreateRoomRequest(name="r", metadata="m", departure_timeout=9))
    assert (made.name, made.metadata, made.departure_timeout) == ("r", "m", 9)
    ann = await stage.enter("ann")
    listed = await livekit.room.list_rooms(api.ListRoomsRequest())
    assert [(room.name, room.num_participants) for room in listed.rooms] == [("r", 1)]
    await livekit.room.delete_room(api.DeleteRoomRequest(room="r"))
    assert ann.last("leave").reason == DisconnectReason.ROOM_DELETED
    assert (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms == []


async def test_people_are_listed_renamed_and_removed(stage: Stage, livekit: api.LiveKitAPI) -> None:
    ann = await stage.enter("ann")
    who = api.RoomParticipantIdentity(room="r", identity="ann")
    assert (await livekit.room.get_participant(who)).name == "Ann"
    update = api.UpdateParticipantRequest(room="r", identity="ann", attributes={"role": "host"})
    await livekit.room.update_participant(update)
    await settle()
    assert ann.last("update").participants[0].attributes["role"] == "host"
    await livekit.room.remove_participant(who)
    assert ann.last("leave").reason == DisconnectReason.PARTICIPANT_REMOVED
    people = await livekit.room.list_participants(api.ListParticipantsRequest(room="r"))
    assert people.participants == []


async def test_a_removed_persons_token_is_dead_even_in_a_new_room(
    stage: Stage, livekit: api.LiveKitAPI, caplog: pytest.LogCaptureFixture
) -> None:
    """Regression: the room forgot at its end whom it had removed."""
    await stage.enter("ann")
    await livekit.room.remove_participant(api.RoomParticipantIdentity(room="r", identity="ann"))
    await livekit.room.delete_room(api.DeleteRoomRequest(room="r"))
    with pytest.raises(Refused):
        await stage.enter("ann")
    assert "revoked" in caplog.text
    assert (await stage.enter("ann", nbf=int(time.time()) + 2)).heard[0].HasField("join")


async def test_permissions_can_be_taken(stage: Stage, livekit: api.LiveKitAPI) -> None:
    ann = await stage.enter("ann")
    none = api.ParticipantPermission(can_publish=False, can_subscribe=True)
    await livekit.room.update_participant(
        api.UpdateParticipantRequest(room="r", identity="ann", permission=none)
    )
    await ann.say(add_track=AddTrackRequest(cid="c", type=TrackType.AUDIO))
    assert ann.last("request_response").reason == RequestResponse.Reason.NOT_ALLOWED
    renewed = jwt.decode(ann.last("refresh_token"), SECRET, algorithms=["HS256"])
    assert renewed["video"]["canPublish"] is False


async def test_a_muted_track_is_told_and_cannot_be_unmuted_from_afar(
    stage: Stage, livekit: api.LiveKitAPI
) -> None:
    ann = await stage.enter("ann")
    await ann.say(add_track=AddTrackRequest(cid="c", type=TrackType.AUDIO))
    sid = ann.last("track_published").track.sid
    muting = api.MuteRoomTrackRequest(room="r", identity="ann", track_sid=sid, muted=True)
    assert (await livekit.room.mute_published_track(muting)).track.muted
    assert (ann.last("mute").sid, ann.last("mute").muted) == (sid, True)
    muting.muted = False
    with pytest.raises(api.TwirpError) as refused:
        await livekit.room.mute_published_track(muting)
    assert (refused.value.code, refused.value.status) == ("failed_precondition", 412)


@pytest.mark.parametrize(
    ("method", "request_", "code"),
    [
        ("delete_room", api.DeleteRoomRequest(room="none"), "not_found"),
        ("list_participants", api.ListParticipantsRequest(room="none"), "not_found"),
        ("create_room", api.CreateRoomRequest(name=""), "invalid_argument"),
        ("create_room", api.CreateRoomRequest(name="x" * 300), "resource_exhausted"),
        ("update_subscriptions", api.UpdateSubscriptionsRequest(room="r", identity="x"), "not_found"),
        ("forward_participant", api.ForwardParticipantRequest(room="r"), "unimplemented"),
        ("move_participant", api.MoveParticipantRequest(room="r"), "unimplemented"),
    ],
)
async def test_errors_are_twirps(livekit: api.LiveKitAPI, method: str, request_: Any, code: str) -> None:
    with pytest.raises(api.TwirpError) as refused:
        await getattr(livekit.room, method)(request_)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        ("RoomService/ListRooms", "", 401),
        ("RoomService/ListRooms", "Bearer nonsense", 401),
        ("RoomService/ListRooms", f"Bearer {token(secret='b' * 40)}", 401),
        ("RoomService/ListRooms", bearer(room_create=True), 403),
        ("RoomService/CreateRoom", bearer(room_list=True), 403),
        ("RoomService/ListParticipants", bearer(room_admin=True, room="other"), 403),
        ("RoomService/ListParticipants", bearer(room_admin=True), 403),
        ("Egress/ListEgress", bearer(room_admin=True, room="r", room_create=True), 403),
        ("Egress/Nonsense", bearer(room_record=True), 404),
        ("Egress/StartWebEgress", bearer(room_record=True), 501),
        ("Egress/StartWebEgress", "", 401),
        ("SIP/CreateSIPParticipant", bearer(room_admin=True, room="r"), 501),
    ],
)
async def test_each_method_wants_its_grant(stage: Stage, path: str, authorization: str, status: int) -> None:
    body = b'{"room": "r", "name": "r"}'
    got, kind, answer = await stage.relay.twirp(
        f"/twirp/livekit.{path}", authorization, body, "application/json"
    )
    assert (got, kind) == (status, "application/json")
    assert b"Signature" not in answer


async def test_json_and_malformed_bodies(stage: Stage) -> None:
    create, path = bearer(room_create=True), "/twirp/livekit.RoomService/CreateRoom"
    ok = await stage.relay.twirp(path, create, b'{"name": "r", "emptyTimeout": 5}', "application/json; x=y")
    assert ok[0] == 200
    assert b'"emptyTimeout": 5' in ok[2]
    for body, kind in ((b"{", "application/json"), (b"\xff", "application/protobuf")):
        assert (await stage.relay.twirp(path, create, body, kind))[0] == 400
    assert (await stage.relay.twirp(path, create, b"", "text/plain"))[0] == 404


async def test_recording_is_announced_to_everyone_and_to_newcomers(
    stage: Stage, livekit: api.LiveKitAPI
) -> None:
    ann = await stage.enter("ann")
    tracks = api.RoomEgress(tracks=api.AutoTrackEgress(filepath="rec"))
    await livekit.room.create_room(api.CreateRoomRequest(name="r", egress=tracks))
    assert ann.last("room_update").room.active_recording
    assert (await stage.enter("ben")).heard[0].join.room.active_recording
    await livekit.room.create_room(api.CreateRoomRequest(name="r", egress=api.RoomEgress()))
    assert not ann.last("room_update").room.active_recording
    outside = api.RoomEgress(tracks=api.AutoTrackEgress(filepath="../etc"))
    with pytest.raises(api.TwirpError):
        await livekit.room.create_room(api.CreateRoomRequest(name="r", egress=outside))


async def test_data_of_an_unheard_size_is_refused(stage: Stage, livekit: api.LiveKitAPI) -> None:
    await stage.enter("ann")
    request = api.SendDataRequest(room="r", data=bytes(300_000), kind=DataPacket.Kind.RELIABLE)
    with pytest.raises(api.TwirpError) as refused:
        await livekit.room.send_data(request)
    assert refused.value.code == "resource_exhausted"
