"""Joining, refusing, leaving, and the server API, without media: what a client is told and what is logged."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from livekit import api
from livekit.protocol.models import (
    ClientInfo,
    DataPacket,
    DisconnectReason,
    ParticipantInfo,
    TrackSource,
    TrackType,
)
from livekit.protocol.rtc import (
    AddTrackRequest,
    ConnectionSettings,
    JoinRequest,
    LeaveRequest,
    MuteTrackRequest,
    Ping,
    RequestResponse,
    SignalRequest,
    SignalResponse,
    UpdateParticipantMetadata,
    UpdateSubscription,
    UpdateTrackSettings,
    WrappedJoinRequest,
)

from meetings.relay.errors import Refused
from meetings.relay.interface import JoinClaims, RelayLimits
from meetings.relay.server import Relay, RelayConfig, Session

from .adapter import KEY, SECRET, Front, OpenPortal, started

PUBLIC = {"The access token was not accepted.", "Joining is not allowed.", "Not admitted."}


def token(identity: str = "ann", room: str = "r", secret: str = SECRET, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": KEY,
        "sub": identity,
        "name": identity.title(),
        "nbf": now - 5,
        "exp": now + 60,
        "attributes": {"role": "guest"},
        "video": {"roomJoin": True, "room": room, "canUpdateOwnMetadata": True},
    }
    claims.update(changes)
    return jwt.encode(claims, secret, algorithm="HS256")


def joining(**fields: Any) -> str:
    request = JoinRequest(connection_settings=ConnectionSettings(auto_subscribe=True), **fields)
    wrapper = WrappedJoinRequest(join_request=request.SerializeToString())
    return base64.urlsafe_b64encode(wrapper.SerializeToString()).decode()


class Client:
    """The far end of one socket."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.heard: list[SignalResponse] = []
        self.closed: list[int] = []
        self.session: Session | None = None

    async def _send(self, data: bytes) -> None:
        self.heard.append(SignalResponse.FromString(data))

    async def _close(self, code: int) -> None:
        self.closed.append(code)

    async def join(self, bearer: str, **fields: Any) -> "Client":
        self.session = await self.relay.join(
            token=bearer, join_request=joining(**fields), send=self._send, close=self._close
        )
        await settle()
        return self

    async def say(self, **fields: Any) -> None:
        assert self.session is not None
        await self.session.receive(SignalRequest(**fields).SerializeToString())
        await settle()

    def last(self, kind: str) -> Any:
        return next(getattr(m, kind) for m in reversed(self.heard) if m.WhichOneof("message") == kind)

    def kinds(self) -> list[str | None]:
        return [message.WhichOneof("message") for message in self.heard]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Stage:
    def __init__(self, relay: Relay, portal: OpenPortal, front: Front) -> None:
        self.relay, self.portal, self.front = relay, portal, front

    async def enter(self, identity: str, **changes: Any) -> Client:
        return await Client(self.relay).join(token(identity, **changes))


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    front, portal = Front(), OpenPortal()
    url = await front.listen("127.0.0.1")
    limits = RelayLimits(participants=3, tracks=2, departure_timeout=0, resume=0.2, linger=0.0)
    config = RelayConfig(
        KEY,
        SECRET,
        ("127.0.0.1",),
        tmp_path,
        bind="127.0.0.1",
        webhook_urls=(f"{url}/webhook",),
        limits=limits,
    )
    relay = await started(front, config, portal)
    yield Stage(relay, portal, front)
    await relay.stop()
    await front.close()


BAD = {
    "forged": (token(secret="b" * 40), 401, "InvalidSignatureError"),
    "expired": (token(exp=int(time.time()) - 60), 401, "ExpiredSignatureError"),
    "other issuer": (token(iss="evil"), 401, "InvalidIssuerError"),
    "no grant": (token(video={"room": "r"}), 403, "no right to join"),
    "no room": (token(room=""), 403, "no right to join"),
    "no identity": (token(identity=""), 403, "no right to join"),
    "overlong": (token(identity="x" * 300), 403, "overlong claims"),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_tokens_are_refused_and_only_the_log_says_why(
    stage: Stage, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    bearer, status, reason = BAD[case]
    with pytest.raises(Refused) as refused:
        stage.relay.validate(bearer)
    with pytest.raises(Refused):
        await Client(stage.relay).join(bearer)
    assert (refused.value.status, refused.value.public in PUBLIC) == (status, True)
    assert caplog.text.count(reason) == 2
    assert stage.portal.admitted == []


async def test_the_portal_is_asked_at_every_connect(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    ann = await stage.enter("ann")
    stage.portal.refused.add("ann")
    with pytest.raises(Refused) as refused:
        await Client(stage.relay).join(
            token("ann"), reconnect=True, participant_sid=ann.last("join").participant.sid
        )
    assert refused.value.public == "Not admitted."
    assert "removed by the host" in caplog.text
    assert [claims.attributes["role"] for claims in stage.portal.admitted] == ["guest"]


async def test_the_join_answer_says_who_is_there(stage: Stage) -> None:
    await stage.enter("ann")
    await stage.enter("ghost", video={"roomJoin": True, "room": "r", "hidden": True})
    join = (await stage.enter("ben")).heard[0].join
    assert [other.identity for other in join.other_participants] == ["ann"]
    assert (join.participant.identity, join.participant.name) == ("ben", "Ben")
    assert join.participant.attributes["role"] == "guest"
    assert (join.room.name, join.room.num_participants, join.room.active_recording) == ("r", 2, False)
    assert len(join.sif_trailer) >= 8


async def test_a_newcomer_is_told_who_is_speaking(stage: Stage) -> None:
    """Regression: only changes were told, so whoever came during a speech saw nobody speak."""
    ann = await stage.enter("ann")
    (room,) = stage.relay._rooms
    now = stage.relay.clock.monotonic()
    for step in range(30):
        room.heard(room.people["ann"], 20, now - 0.5 + step / 60)
    await asyncio.sleep(0.5)
    (told,) = (await stage.enter("ben")).last("speakers_changed").speakers
    assert (told.sid, told.active) == (ann.last("join").participant.sid, True)


async def test_a_full_room_is_full_but_not_for_who_comes_back(stage: Stage) -> None:
    for identity in ("ann", "ben", "cara"):
        await stage.enter(identity)
    with pytest.raises(Refused) as refused:
        await stage.enter("dora")
    assert (refused.value.status, refused.value.public) == (403, "The room is full.")
    assert (await stage.enter("cara")).heard[0].HasField("join")


async def test_an_identity_joining_twice_replaces_and_is_gone_once(stage: Stage) -> None:
    """Regression (relay.md, trap 4): a late DISCONNECTED for the old sid removed the live participant."""
    watcher, first = await stage.enter("ben"), await stage.enter("ann")
    second = await stage.enter("ann")
    assert first.last("leave").reason == DisconnectReason.DUPLICATE_IDENTITY
    await first.session.disconnected()
    await first.say(leave=LeaveRequest())
    states = [
        (info.sid, info.state)
        for message in watcher.heard
        if message.WhichOneof("message") == "update"
        for info in message.update.participants
        if info.identity == "ann"
    ]
    old, new = first.last("join").participant.sid, second.last("join").participant.sid
    gone = ParticipantInfo.State.DISCONNECTED
    assert [sid for sid, state in states if state == gone] == [old]
    assert states[-1] == (new, ParticipantInfo.State.JOINED)


async def test_leaving_tells_the_others_and_the_empty_room_ends(stage: Stage) -> None:
    ann, ben = await stage.enter("ann"), await stage.enter("ben")
    await ann.say(leave=LeaveRequest())
    gone = ben.last("update").participants[0]
    assert (gone.identity, gone.state) == ("ann", ParticipantInfo.State.DISCONNECTED)
    await ben.say(leave=LeaveRequest())
    async with asyncio.timeout(5):
        while "room_finished" not in stage.front.names():
            await asyncio.sleep(0.05)
    assert stage.front.names() == [
        "room_started",
        "participant_joined",
        "participant_joined",
        "participant_left",
        "participant_left",
        "room_finished",
    ]


async def test_a_lost_socket_is_waited_for_then_given_up(stage: Stage) -> None:
    ann, ben = await stage.enter("ann"), await stage.enter("ben")
    await ann.session.disconnected()
    again = await Client(stage.relay).join(
        token("ann"), reconnect=True, participant_sid=ann.last("join").participant.sid
    )
    assert again.kinds() == ["reconnect", "update"]
    await again.session.disconnected()
    async with asyncio.timeout(5):
        while "update" not in ben.kinds():
            await asyncio.sleep(0.05)
    gone = ben.last("update").participants[0]
    assert (gone.identity, gone.state) == ("ann", ParticipantInfo.State.DISCONNECTED)


async def test_a_resume_of_somebody_unknown_becomes_a_full_reconnect(stage: Stage) -> None:
    client = await Client(stage.relay).join(token("ann"), reconnect=True, participant_sid="PA_nobody")
    assert client.last("leave").action == LeaveRequest.Action.RECONNECT
    assert client.closed == [1008]


async def test_pings_are_answered(stage: Stage) -> None:
    ann = await stage.enter("ann")
    await ann.say(ping=1)
    await ann.say(ping_req=Ping(timestamp=42))
    assert ann.last("pong") > 1_700_000_000_000
    assert ann.last("pong_resp").last_ping_timestamp == 42


async def test_attributes_change_but_never_the_role(stage: Stage) -> None:
    ann, ben = await stage.enter("ann"), await stage.enter("ben")
    await ann.say(update_metadata=UpdateParticipantMetadata(attributes={"hand": "up"}, request_id=3))
    assert ben.last("update").participants[0].attributes["hand"] == "up"
    await ann.say(update_metadata=UpdateParticipantMetadata(attributes={"role": "host"}, request_id=4))
    refusal = ann.last("request_response")
    assert (refusal.request_id, refusal.reason) == (4, RequestResponse.Reason.NOT_ALLOWED)
    assert ben.last("update").participants[0].attributes["role"] == "guest"


async def test_without_the_grant_nothing_changes_and_nothing_is_published(stage: Stage) -> None:
    ann = await stage.enter("ann", video={"roomJoin": True, "room": "r", "canPublish": False})
    await ann.say(update_metadata=UpdateParticipantMetadata(name="Eve"))
    assert ann.last("request_response").reason == RequestResponse.Reason.NOT_ALLOWED
    await ann.say(add_track=AddTrackRequest(cid="c", type=TrackType.AUDIO))
    assert ann.last("request_response").reason == RequestResponse.Reason.NOT_ALLOWED
    assert "track_published" not in ann.kinds()


async def test_only_granted_sources_and_a_bounded_number_of_tracks(stage: Stage) -> None:
    grant = {"roomJoin": True, "room": "r", "canPublishSources": ["microphone"]}
    ann = await stage.enter("ann", video=grant)
    await ann.say(add_track=AddTrackRequest(cid="v", type=TrackType.VIDEO, source=TrackSource.CAMERA))
    assert ann.last("request_response").reason == RequestResponse.Reason.NOT_ALLOWED
    for number in range(3):
        await ann.say(add_track=AddTrackRequest(cid=f"a{number}", source=TrackSource.MICROPHONE))
    assert ann.kinds().count("track_published") == 2
    assert ann.last("request_response").reason == RequestResponse.Reason.LIMIT_EXCEEDED
    await ann.say(add_track=AddTrackRequest(cid="a0", source=TrackSource.MICROPHONE))
    assert ann.last("track_published").cid == "a0"
    await ann.say(mute=MuteTrackRequest(sid=ann.last("track_published").track.sid, muted=True))
    await ann.say(add_track=AddTrackRequest(cid="a0", source=TrackSource.MICROPHONE))
    assert ann.last("track_published").track.muted


@pytest.mark.parametrize(
    "data", [b"\xff\xff", bytes(1_100_000), SignalRequest(offer={"sdp": "x"}).SerializeToString()]
)
async def test_what_no_client_sends_ends_the_session(stage: Stage, data: bytes) -> None:
    ann = await stage.enter("ann")
    await ann.session.receive(data)
    await settle()
    assert ann.last("leave").action == LeaveRequest.Action.DISCONNECT
    assert ann.closed == [1001]
    before = len(ann.heard)
    await ann.say(ping=1)
    assert len(ann.heard) == before


async def test_a_flood_of_messages_ends_the_session(stage: Stage) -> None:
    ann = await stage.enter("ann")
    for _ in range(1000):
        await ann.session.receive(SignalRequest(ping=1).SerializeToString())
    await settle()
    assert "leave" in ann.kinds()


async def test_a_relay_that_stops_takes_nobody_in(tmp_path: Path) -> None:
    """Regression: who came back during the stop got a room that nobody ended."""
    front = Front()
    config = RelayConfig(KEY, SECRET, (), tmp_path, bind="127.0.0.1", limits=RelayLimits(linger=0.1))
    before = asyncio.all_tasks()
    relay = await started(front, config, OpenPortal())
    await Client(relay).join(token("ann"))
    stopping = asyncio.create_task(relay.stop())
    await asyncio.sleep(0.02)
    with pytest.raises(Refused) as refused:
        await Client(relay).join(token("ann"))
    assert refused.value.status == 503
    await stopping
    assert asyncio.all_tasks() == before


async def test_messages_far_longer_than_a_call_needs_end_the_session(stage: Stage) -> None:
    """Each is within its bound, but reading them all would keep the relay from everything else."""
    ann = await stage.enter("ann")
    junk = SignalRequest(add_track=AddTrackRequest(cid="x" * 900_000)).SerializeToString()
    for _ in range(6):
        await ann.session.receive(junk)
    await settle()
    assert ann.last("leave").action == LeaveRequest.Action.DISCONNECT


async def test_a_long_list_of_tracks_is_read_once(stage: Stage) -> None:
    """Regression: every sid of a message was looked for among all tracks: seconds for one message."""
    ann = await stage.enter("ann")
    sids = [f"TR_{number}" for number in range(60_000)]
    began = time.process_time()
    await ann.say(subscription=UpdateSubscription(track_sids=sids, subscribe=True))
    await ann.say(track_setting=UpdateTrackSettings(track_sids=sids[:1] * 60_000))
    assert time.process_time() - began < 1.0
    await ann.say(ping=1)
    assert ann.kinds()[-1] == "pong"


async def test_somebody_who_changes_without_end_is_told_of_a_few_times(stage: Stage) -> None:
    """Regression: each of 200 messages a second was sent on to everybody, with up to 128 KB of attributes."""
    ann, ben = await stage.enter("ann"), await stage.enter("ben")
    for number in range(300):
        update = UpdateParticipantMetadata(attributes={"hand": str(number)})
        await ann.session.receive(SignalRequest(update_metadata=update).SerializeToString())
    await settle()
    async with asyncio.timeout(5):
        while ben.last("update").participants[0].attributes["hand"] != "299":
            await asyncio.sleep(0.05)
    assert ben.kinds().count("update") < 80


async def test_a_source_that_is_none_is_not_allowed(stage: Stage) -> None:
    grant = {"roomJoin": True, "room": "r", "canPublishSources": ["microphone"]}
    ann = await stage.enter("ann", video=grant)
    await ann.say(add_track=AddTrackRequest(cid="c", source=99))  # type: ignore[arg-type]
    assert ann.last("request_response").reason == RequestResponse.Reason.NOT_ALLOWED


async def test_a_client_cannot_write_lines_into_the_log(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "visio.relay")
    info = ClientInfo(version="1\nroom r: ben joined")
    await Client(stage.relay).join(token("ann"), client_info=info)
    assert "ann joined" in caplog.text
    assert "\nroom r: ben" not in caplog.text


class SlowPortal(OpenPortal):
    """Answers when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answers = asyncio.Event(), asyncio.Event()

    async def admit(self, claims: JoinClaims) -> None:
        self.asked.set()
        await self.answers.wait()


async def test_who_is_removed_while_the_portal_thinks_does_not_come_in(tmp_path: Path) -> None:
    portal = SlowPortal()
    relay = await started(Front(), RelayConfig(KEY, SECRET, (), tmp_path, bind="127.0.0.1"), portal)
    joining_ = asyncio.create_task(Client(relay).join(token("ann")))
    await portal.asked.wait()
    removal = b'{"room": "r", "identity": "ann"}'
    path = "/twirp/livekit.RoomService/RemoveParticipant"
    await relay.twirp(path, bearer(room_admin=True, room="r"), removal, "application/json")
    portal.answers.set()
    with pytest.raises(Refused, match="revoked"):
        await joining_
    await relay.stop()


async def test_stopping_sends_everyone_to_another_relay(tmp_path: Path) -> None:
    front = Front()
    relay = await started(front, RelayConfig(KEY, SECRET, (), tmp_path, bind="127.0.0.1"), OpenPortal())
    ann = await Client(relay).join(token("ann"))
    await relay.stop()
    await settle()
    leave = ann.last("leave")
    assert (leave.action, leave.reason) == (LeaveRequest.Action.RECONNECT, DisconnectReason.SERVER_SHUTDOWN)
    assert ann.closed == [1001]


async def test_a_connected_clients_token_is_refreshed(tmp_path: Path) -> None:
    limits = replace(RelayLimits(), token_refresh=0.1)
    config = RelayConfig(KEY, SECRET, (), tmp_path, bind="127.0.0.1", limits=limits)
    relay = await started(Front(), config, OpenPortal())
    ann = await Client(relay).join(token("ann"))
    async with asyncio.timeout(5):
        while "refresh_token" not in ann.kinds():
            await asyncio.sleep(0.05)
    relay.validate(ann.last("refresh_token"))
    fresh = jwt.decode(ann.last("refresh_token"), SECRET, algorithms=["HS256"])
    assert (fresh["sub"], fresh["attributes"], fresh["video"]["room"]) == ("ann", {"role": "guest"}, "r")
    assert fresh["exp"] - time.time() > 500
    await relay.stop()


# LiveKit's server API, through livekit-api


@pytest.fixture
async def livekit(stage: Stage) -> AsyncIterator[api.LiveKitAPI]:
    async with api.LiveKitAPI(stage.front.url, KEY, SECRET) as client:
        yield client


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
        ("update_subscriptions", api.UpdateSubscriptionsRequest(room="r"), "bad_route"),
    ],
)
async def test_errors_are_twirps(livekit: api.LiveKitAPI, method: str, request_: Any, code: str) -> None:
    with pytest.raises(api.TwirpError) as refused:
        await getattr(livekit.room, method)(request_)
    assert refused.value.code == code


def bearer(**grants: Any) -> str:
    made = api.AccessToken(KEY, SECRET).with_grants(api.VideoGrants(**grants)).to_jwt()
    return f"Bearer {made}"


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
