"""What clients are told."""

from collections.abc import Callable

import pytest
from livekit import api
from livekit.protocol.rtc import LeaveRequest, RequestResponse

from ..client import until
from ..scene import Call, advances, events, line, stands_still
from ..stage import Stage

Note = Callable[[str], None]


@line("Out", "join")
async def test_join(stage: Stage, call: Call) -> None:
    """It comes first, at once, and says who is there."""
    me = call.me.identity
    messages = [message for message in stage.wire.messages if message.identity == me and message.outwards]
    assert messages[0].kind == "join"
    assert messages[0].at - stage.wire.joined_at[me] < 5
    assert messages[0].body.participant.identity == me
    assert (await call.me.seen())["state"] == "connected"


@line("Out", "answer")
async def test_answer(stage: Stage, call: Call) -> None:
    """It echoes the offer's id and says which section carries which track."""
    me = call.me.identity
    offers = {offer.id for offer in stage.wire.said(me, "offer")} | {stage.wire.joins[me].publisher_offer.id}
    answers = stage.wire.heard(me, "answer")
    assert {answer.id for answer in answers} <= offers
    carried = {sid for answer in answers for sid in answer.mid_to_track_id.values()}
    assert carried >= {call.bens_camera, call.bens_microphone}
    tracks = await call.bens_at_mine()
    assert all(tracks[sid]["subscribed"] for sid in (call.bens_camera, call.bens_microphone))


@line("Out", "track_published")
async def test_track_published(stage: Stage, call: Call) -> None:
    """It answers each add_track, by the client's own id."""
    me = call.me.identity
    asked = [request.cid for request in stage.wire.said(me, "add_track")]
    told = stage.wire.heard(me, "track_published")
    assert [answer.cid for answer in told] == asked
    assert {call.my_camera, call.my_microphone} <= {answer.track.sid for answer in told}


@line("Out", "update")
async def test_update(stage: Stage, call: Call) -> None:
    """It brings the other with name and tracks."""
    assert stage.wire.heard(call.me.identity, "update")
    ben = (await call.me.seen())["people"][call.ben.identity]
    assert ben["sid"] == stage.participant(call.ben).sid
    assert {call.bens_camera, call.bens_microphone} <= set(ben["tracks"])


@line("Out", "media_sections_requirement")
async def test_media_sections_requirement(stage: Stage, call: Call) -> None:
    """The client offers again when it is asked to."""
    me = call.me.identity
    (asked, *_) = [
        number
        for number, message in enumerate(stage.wire.messages)
        if (message.identity, message.kind) == (me, "media_sections_requirement")
    ]
    await until(lambda: stage.wire.said(me, "offer", asked))


@line("Out", "pong")
async def test_pong(stage: Stage, call: Call, note: Note) -> None:
    """A ping is answered with the time."""
    me = call.me.identity
    await until(lambda: stage.wire.said(me, "ping_req"))
    if not stage.wire.said(me, "ping") or (me, "ping") in stage.wire.injected:
        note("raw message in the client's session: it sends ping_req only")
        await stage.wire.inject(me, ping=1)
    (first, *_) = await until(lambda: stage.wire.heard(call.me.identity, "pong"))
    assert first > 1_600_000_000_000


@line("Out", "pong_resp")
async def test_pong_resp(stage: Stage, call: Call) -> None:
    """It echoes the client's time, from which the client takes its round trip."""
    (first, *_) = await until(lambda: stage.wire.heard(call.me.identity, "pong_resp"))
    assert first.last_ping_timestamp == stage.wire.said(call.me.identity, "ping_req")[0].timestamp


@line("Out", "leave")
async def test_leave_from_the_server(stage: Stage, call: Call) -> None:
    """With the action to disconnect the client goes and does not come back."""
    dora = await stage.enter(call.room, "dora")
    await stage.livekit.room.remove_participant(
        api.RoomParticipantIdentity(room=call.room, identity=dora.identity)
    )

    async def gone() -> bool:
        return (await dora.seen())["state"] == "disconnected"

    await until(gone)
    (leave,) = stage.wire.heard(dora.identity, "leave")
    assert leave.action == LeaveRequest.Action.DISCONNECT
    assert stage.wire.kinds(dora.identity).count("join") == 1


@line("Out", "mute")
async def test_mute_from_the_server(stage: Stage, call: Call) -> None:
    """The client mutes its microphone when the server says so."""
    mark = stage.wire.mark()
    wish = api.MuteRoomTrackRequest(
        room=call.room, identity=call.me.identity, track_sid=call.my_microphone, muted=True
    )
    await stage.livekit.room.mute_published_track(wish)

    async def muted() -> bool:
        return bool((await call.me.seen())["me"]["tracks"][call.my_microphone]["muted"])

    await until(muted)
    assert [told.muted for told in stage.wire.heard(call.me.identity, "mute", mark)] == [True]
    await call.me.mute(call.my_microphone, False)


@line("Out", "speakers_changed")
async def test_speakers_changed(stage: Stage, call: Call) -> None:
    """The client hears of the other, who makes a sound, as a speaker."""

    async def speaks() -> bool:
        return call.ben.identity in (await call.me.seen())["spoke"]

    await until(speaks)
    sids = {
        each.sid for told in stage.wire.heard(call.me.identity, "speakers_changed") for each in told.speakers
    }
    assert stage.participant(call.ben).sid in sids


@line("Out", "connection_quality")
async def test_connection_quality(stage: Stage, call: Call) -> None:
    """The client hears how well everyone is connected."""
    await until(lambda: stage.wire.heard(call.me.identity, "connection_quality"))
    await until(lambda: events(call.me, "connection_quality_changed"))


@line("Out", "stream_state_update")
@pytest.mark.long
async def test_stream_state_update(stage: Stage, call: Call, note: Note) -> None:
    """A video that the path has no room for is paused, the client is told so, and it goes on."""
    note("the relay's estimate of the path is set by the test")
    mark = stage.wire.mark()
    me = stage.participant(call.me)
    (camera,) = [down for down in me.subscriptions if down.up.info.sid == call.bens_camera]
    bandwidth = me.subscriptions.bandwidth

    def pressed() -> list[object]:
        bandwidth.path.bitrate = bandwidth.receiver.bitrate = 1_000.0
        return stage.wire.heard(call.me.identity, "stream_state_update", mark)

    await until(pressed)
    assert camera.paused
    if stage.kind == "sdk":
        note("the SDK shows no state, its pictures stop")
    else:
        await until(lambda: _paused(call))
    await stands_still(call.me, call.bens_camera)
    bandwidth.path.bitrate = bandwidth.receiver.bitrate = None
    await advances(call.me, call.bens_camera)
    assert len(stage.wire.heard(call.me.identity, "stream_state_update", mark)) == 2


async def _paused(call: Call) -> bool:
    return bool((await call.bens_at_mine())[call.bens_camera]["paused"])


@line("Out", "subscription_permission_update")
async def test_subscription_permission_update(stage: Stage, call: Call) -> None:
    """The client is told that it may not watch a track, and that it may again."""
    mark = stage.wire.mark()
    await call.ben.permit([])
    await until(lambda: not list(stage.participant(call.me).subscriptions))
    await call.ben.permit([call.me.identity])
    await advances(call.me, call.bens_camera)
    told = stage.wire.heard(call.me.identity, "subscription_permission_update", mark)
    by_track = {sid: [each.allowed for each in told if each.track_sid == sid] for sid in
                (call.bens_camera, call.bens_microphone)}  # fmt: skip
    assert by_track == {call.bens_camera: [False, True], call.bens_microphone: [False, True]}
    await call.ben.permit(["*"])


@line("Out", "subscription_response")
async def test_subscription_response(stage: Stage, call: Call, note: Note) -> None:
    """A subscription to a track that does not exist is answered by an error."""
    note("raw message in the client's session: clients ask for tracks they know")
    from livekit.protocol.rtc import UpdateSubscription

    mark = stage.wire.mark()
    wish = UpdateSubscription(track_sids=["TR_nothing"], subscribe=True)
    await stage.wire.inject(call.me.identity, subscription=wish)
    (answer,) = await until(lambda: stage.wire.heard(call.me.identity, "subscription_response", mark))
    assert answer.track_sid == "TR_nothing"
    assert (await call.me.seen())["state"] == "connected"


@line("Out", "track_subscribed")
async def test_track_subscribed(stage: Stage, call: Call) -> None:
    """The publisher hears that its tracks reach somebody."""
    told = {each.track_sid for each in stage.wire.heard(call.me.identity, "track_subscribed")}
    assert told >= {call.my_camera, call.my_microphone}
    await until(lambda: events(call.me, "local_track_subscribed"))


@line("Out", "track_unpublished")
async def test_track_unpublished(stage: Stage, empty_call: Call, note: Note) -> None:
    """A publisher whose right is withdrawn is told which track ended."""
    call = empty_call
    sid = await call.me.publish_microphone()
    await until(lambda: stage.wire.heard(call.ben.identity, "update"))
    nothing = api.ParticipantPermission(can_publish=False, can_subscribe=True, can_publish_data=True)
    wish = api.UpdateParticipantRequest(room=call.room, identity=call.me.identity, permission=nothing)
    await stage.livekit.room.update_participant(wish)
    (told,) = await until(lambda: stage.wire.heard(call.me.identity, "track_unpublished"))
    assert told.track_sid == sid

    async def seen() -> bool:
        return sid not in (await call.me.seen())["me"]["tracks"]

    if stage.kind == "sdk":
        note("checked on the wire: the SDK takes no notice of it")
    else:
        await until(seen)


@line("Out", "room_update")
async def test_room_update(stage: Stage, call: Call) -> None:
    """The client hears of the room's metadata."""
    mark = stage.wire.mark()
    wish = api.UpdateRoomMetadataRequest(room=call.room, metadata="agenda 7")
    await stage.livekit.room.update_room_metadata(wish)
    told = await until(lambda: stage.wire.heard(call.me.identity, "room_update", mark))
    assert told[0].room.metadata == "agenda 7"

    async def seen() -> bool:
        return (await call.me.seen())["metadata"] == "agenda 7"

    await until(seen)


@line("Out", "refresh_token")
async def test_refresh_token(stage: Stage, call: Call) -> None:
    """The client takes the fresh token it is given."""
    await until(lambda: stage.wire.heard(call.me.identity, "refresh_token"))

    async def taken() -> bool:
        return (await call.me.seen())["token"] in stage.wire.heard(call.me.identity, "refresh_token")

    await until(taken)


@line("Out", "request_response")
async def test_request_response(stage: Stage, call: Call) -> None:
    """A change of one's own metadata is answered."""
    mark = stage.wire.mark()
    await call.me.describe(metadata="desk 5")
    (answer,) = await until(lambda: stage.wire.heard(call.me.identity, "request_response", mark))
    assert answer.reason == RequestResponse.Reason.OK
    assert answer.request_id == stage.wire.said(call.me.identity, "update_metadata", mark)[0].request_id
