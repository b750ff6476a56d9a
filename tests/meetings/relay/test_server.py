"""Joining, refusing and leaving, without media: what a client is told and what is logged."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import jwt
import pytest
from livekit.protocol.models import (
    DisconnectReason,
    ParticipantInfo,
    TrackSource,
    TrackType,
)
from livekit.protocol.rtc import (
    AddTrackRequest,
    LeaveRequest,
    MuteTrackRequest,
    Ping,
    RequestResponse,
    SessionDescription,
    UpdateLocalVideoTrack,
    UpdateParticipantMetadata,
)

from meetings.relay.errors import Refused
from meetings.relay.interface import JoinClaims, RelayLimits
from meetings.relay.server import RelayConfig

from .adapter import KEY, SECRET, Front, OpenPortal, started
from .stage import Client, Stage, bearer, settle, token

PUBLIC = {"The access token was not accepted.", "Joining is not allowed.", "Not admitted."}


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


async def test_a_newcomer_is_told_how_well_the_others_are_connected(stage: Stage) -> None:
    """Regression: only changes were told, so a newcomer saw no mark on those whose connection is steady."""
    ann = await stage.enter("ann")
    (room,) = stage.relay._rooms
    room._announcer.qualities(room.people.values())
    (told,) = (await stage.enter("ben")).last("connection_quality").updates
    assert told.participant_sid == ann.last("join").participant.sid
    assert told.score == 5


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


async def test_a_room_that_is_left_to_another_relay_sends_its_people_there_and_its_end_is_not_told(
    stage: Stage,
) -> None:
    ann, ben = await stage.enter("ann"), await stage.enter("ben")
    await stage.relay.leave_to_others({"r", "not here"})
    for client in (ann, ben):
        assert client.last("leave").action == LeaveRequest.Action.RECONNECT
    assert stage.relay.rooms == {}
    carl = await stage.enter("carl")
    assert stage.relay.rooms == {"r": 1}
    await carl.say(leave=LeaveRequest())
    async with asyncio.timeout(5):
        while "room_finished" not in stage.front.names():
            await asyncio.sleep(0.05)
    assert [name for name in stage.front.names() if name.startswith("room")] == [
        "room_started",
        "room_started",
        "room_finished",
    ]


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
        "participant_connection_aborted",  # LiveKit's name for going before any media connected
        "participant_connection_aborted",
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


CAMERA_OFFER = (Path(__file__).parent / "fixtures" / "chromium_simulcast_offer.sdp").read_text()


async def test_changes_of_a_track_reach_the_others(stage: Stage) -> None:
    """Regression: protobuf lists hold copies, so the others were told the old size over and over."""
    ann, ben = await stage.enter("ann"), await stage.enter("ben")
    await ann.say(add_track=AddTrackRequest(cid="c", type=TrackType.VIDEO, source=TrackSource.CAMERA))
    await ann.say(offer=SessionDescription(type="offer", sdp=CAMERA_OFFER))
    (seen,) = ben.last("update").participants[0].tracks
    assert ben.last("update").participants[0].is_publisher
    await ann.say(update_video_track=UpdateLocalVideoTrack(track_sid=seen.sid, width=640, height=360))
    (seen,) = ben.last("update").participants[0].tracks
    assert (seen.width, seen.height) == (640, 360)
    await ann.say(mute=MuteTrackRequest(sid=seen.sid, muted=True))
    assert ben.last("update").participants[0].tracks[0].muted
    await ann.say(leave=LeaveRequest())
    assert ben.last("update").participants[0].tracks == []
