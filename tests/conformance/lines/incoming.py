"""What clients say."""

from collections.abc import Callable

from livekit.protocol.models import AudioTrackFeature
from livekit.protocol.rtc import TrickleRequest, UpdateLocalAudioTrack, UpdateLocalVideoTrack

from ..client import HIGH, LOW, NotOffered, until
from ..scene import Call, advances, line, width
from ..stage import Stage

Note = Callable[[str], None]
RAW = "raw message in the client's session: it has no call for it"


@line("In", "offer")
async def test_offer(stage: Stage, call: Call) -> None:
    """Each offer, the join's and those for new tracks, is answered, and media flow."""
    me = call.me.identity
    first = stage.wire.joins[me].publisher_offer
    offers = ([first] if first.sdp else []) + stage.wire.said(me, "offer")
    await until(lambda: len(stage.wire.heard(me, "answer")) >= len(offers))
    assert len(offers) >= 2
    assert all(offer.type == "offer" for offer in offers)
    await advances(call.me, call.bens_camera)


@line("In", "trickle")
async def test_trickle(stage: Stage, call: Call, note: Note) -> None:
    """Candidates are not needed by an ICE-lite server and harm nothing."""
    me = call.me.identity
    if not stage.wire.said(me, "trickle"):
        note("raw message in the client's session: it sent no candidate of its own")
        candidate = '{"candidate":"candidate:1 1 udp 1 10.77.0.1 9 typ host","sdpMid":"0","sdpMLineIndex":0}'
        await stage.wire.inject(me, trickle=TrickleRequest(candidateInit=candidate))
    assert stage.participant(call.me).present
    await advances(call.me, call.bens_camera)


@line("In", "add_track")
async def test_add_track(stage: Stage, call: Call) -> None:
    """An announced track is seen by the other with its source and size."""
    asked = stage.wire.said(call.me.identity, "add_track")
    assert len(asked) >= 2
    tracks = await call.mine_at_bens()
    assert tracks[call.my_camera]["source"] == "camera"
    assert tracks[call.my_camera]["width"] == 960
    assert tracks[call.my_microphone]["source"] == "microphone"


@line("In", "mute")
async def test_mute(stage: Stage, call: Call) -> None:
    """The other sees the microphone muted, and on again."""
    mark = stage.wire.mark()
    await call.me.mute(call.my_microphone, True)
    await until(lambda: _muted(call))
    await call.me.mute(call.my_microphone, False)
    await until(lambda: _unmuted(call))
    said = stage.wire.said(call.me.identity, "mute", mark)
    assert [(request.sid, request.muted) for request in said] == [
        (call.my_microphone, True),
        (call.my_microphone, False),
    ]


async def _muted(call: Call) -> bool:
    return bool((await call.mine_at_bens())[call.my_microphone]["muted"])


async def _unmuted(call: Call) -> bool:
    return not await _muted(call)


@line("In", "subscription")
async def test_subscription(stage: Stage, call: Call) -> None:
    """A track given up stops, and comes again when it is wanted again."""
    mark = stage.wire.mark()
    down = stage.participant(call.me).subscriptions
    (camera,) = [track for track in stage.room(call.room).tracks() if track.info.sid == call.bens_camera]
    await call.me.subscribe(call.bens_camera, False)
    await until(lambda: down.find(camera) is None)
    await until(lambda: _unsubscribed(call))
    await call.me.subscribe(call.bens_camera, True)
    await until(lambda: down.find(camera) is not None)
    await advances(call.me, call.bens_camera)
    assert [wish.subscribe for wish in stage.wire.said(call.me.identity, "subscription", mark)] == [
        False,
        True,
    ]


async def _unsubscribed(call: Call) -> bool:
    return not (await call.bens_at_mine())[call.bens_camera]["subscribed"]


@line("In", "track_setting")
async def test_track_setting(stage: Stage, call: Call) -> None:
    """A lower quality is asked for, and a smaller picture comes."""
    mark = stage.wire.mark()
    await call.me.quality(call.bens_camera, LOW)
    await until(lambda: _narrower(call, 960))
    await call.me.quality(call.bens_camera, HIGH)
    await until(lambda: _as_wide(call, 960))
    settings = stage.wire.said(call.me.identity, "track_setting", mark)
    assert [setting.quality for setting in settings] == [LOW, HIGH]


async def _narrower(call: Call, pixels: int) -> bool:
    return 0 < await width(call.me, call.bens_camera) < pixels


async def _as_wide(call: Call, pixels: int) -> bool:
    return await width(call.me, call.bens_camera) == pixels


@line("In", "ping")
async def test_ping(stage: Stage, call: Call, note: Note) -> None:
    """A ping is answered by a pong, and the client stays."""
    me = call.me.identity
    await until(lambda: stage.wire.said(me, "ping_req"))
    if not stage.wire.said(me, "ping") or (me, "ping") in stage.wire.injected:
        note("raw message in the client's session: it sends ping_req only")
        await stage.wire.inject(me, ping=1)
    await until(lambda: stage.wire.heard(me, "pong"))
    assert stage.participant(call.me).present


@line("In", "ping_req")
async def test_ping_req(stage: Stage, call: Call) -> None:
    """The client pings with its own time."""
    (first, *_) = await until(lambda: stage.wire.said(call.me.identity, "ping_req"))
    assert first.timestamp > 1_600_000_000_000


@line("In", "leave")
async def test_leave(stage: Stage, call: Call) -> None:
    """Somebody who leaves is gone for the others at once."""
    carl = await stage.enter(call.room, "carl")
    await until(lambda: _knows(call, carl.identity))
    await carl.leave()
    await until(lambda: stage.wire.said(carl.identity, "leave"))
    await until(lambda: _knows_no(call, carl.identity), 5)


async def _knows(call: Call, identity: str) -> bool:
    return identity in (await call.ben.seen())["people"]


async def _knows_no(call: Call, identity: str) -> bool:
    return not await _knows(call, identity)


@line("In", "update_metadata")
async def test_update_metadata(stage: Stage, call: Call) -> None:
    """Name, metadata and attributes that the client sets reach the other."""
    await call.me.describe(name="Zoé", metadata="desk 4", attributes={"hand": "up"})

    async def reached() -> bool:
        me = (await call.ben.seen())["people"][call.me.identity]
        return (me["name"], me["metadata"], me["attributes"].get("hand")) == ("Zoé", "desk 4", "up")

    await until(reached)
    assert stage.wire.said(call.me.identity, "update_metadata")


@line("In", "subscription_permission")
async def test_subscription_permission(stage: Stage, call: Call) -> None:
    """Tracks are withheld from whom the publisher does not name, and come again."""
    mark, ben = stage.wire.mark(), stage.participant(call.ben)
    await call.me.permit([])
    await until(lambda: not list(ben.subscriptions))
    await call.me.permit(["*"])
    await until(lambda: len(list(ben.subscriptions)) == 2)
    await advances(call.ben, call.my_camera)
    wishes = stage.wire.said(call.me.identity, "subscription_permission", mark)
    assert [wish.all_participants for wish in wishes] == [False, True]


@line("In", "update_audio_track")
async def test_update_audio_track(stage: Stage, call: Call, note: Note) -> None:
    """The other is told the microphone's features."""
    mark, feature = stage.wire.mark(), AudioTrackFeature.TF_NOISE_SUPPRESSION
    try:
        await call.me.features(call.my_microphone, [feature])
        note("by the library's own sender, which its public interface does not lead to")
    except NotOffered:
        note(RAW)
        update = UpdateLocalAudioTrack(track_sid=call.my_microphone, features=[feature])
        await stage.wire.inject(call.me.identity, update_audio_track=update)

    def told() -> bool:
        updates = stage.wire.heard(call.ben.identity, "update", mark)
        people = [person for update in updates for person in update.participants]
        return any(list(track.audio_features) == [feature] for person in people for track in person.tracks)

    await until(told)
    assert stage.wire.said(call.me.identity, "update_audio_track", mark)


@line("In", "update_video_track")
async def test_update_video_track(stage: Stage, call: Call, note: Note) -> None:
    """The other is told the camera's new size."""
    note(RAW)
    mark = stage.wire.mark()
    update = UpdateLocalVideoTrack(track_sid=call.my_camera, width=800, height=450)
    await stage.wire.inject(call.me.identity, update_video_track=update)

    def told() -> bool:
        updates = stage.wire.heard(call.ben.identity, "update", mark)
        people = [person for update in updates for person in update.participants]
        return any(track.width == 800 for person in people for track in person.tracks)

    await until(told)
    restore = UpdateLocalVideoTrack(track_sid=call.my_camera, width=960, height=540)
    await stage.wire.inject(call.me.identity, update_video_track=restore)
