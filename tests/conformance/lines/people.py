"""People in a room: rights, names, voices, messages."""

import asyncio
import time
from collections.abc import Callable

import pytest
from livekit import api
from livekit.protocol.models import ConnectionQuality, TrackSource, TrackType
from livekit.protocol.rtc import AddTrackRequest, RequestResponse

from tests.meetings.relay.impairer import every, nothing

from ..client import until
from ..scene import Call, advances, line, meet
from ..stage import Stage

Note = Callable[[str], None]


@line("People", "permission changes")
async def test_permission_changes(stage: Stage, empty_call: Call, note: Note) -> None:
    """Who may no longer publish loses its track, is refused the next one, and publishes once it may."""
    note("the refused track is asked for by a raw message: the client itself does not try")
    call = empty_call
    sid = await call.me.publish_microphone()
    await until(lambda: _has(call, sid))
    await _permit(stage, call, publish=False)
    await until(lambda: _has_not(call, sid))
    refused = AddTrackRequest(cid="again", type=TrackType.AUDIO, source=TrackSource.MICROPHONE)
    mark = stage.wire.mark()
    await stage.wire.inject(call.me.identity, add_track=refused)
    (answer,) = await until(lambda: stage.wire.heard(call.me.identity, "request_response", mark))
    assert answer.reason == RequestResponse.Reason.NOT_ALLOWED
    await _permit(stage, call, publish=True)
    await until(lambda: _may_publish(call))
    again = await call.me.publish_microphone()
    await until(lambda: _has(call, again))


async def _permit(stage: Stage, call: Call, *, publish: bool) -> None:
    permission = api.ParticipantPermission(can_publish=publish, can_subscribe=True, can_publish_data=True)
    wish = api.UpdateParticipantRequest(room=call.room, identity=call.me.identity, permission=permission)
    await stage.livekit.room.update_participant(wish)


async def _may_publish(call: Call) -> bool:
    return bool((await call.me.seen())["mayPublish"])


async def _has(call: Call, sid: str) -> bool:
    return sid in await call.mine_at_bens()


async def _has_not(call: Call, sid: str) -> bool:
    return not await _has(call, sid)


@line("People", "server mute")
async def test_server_mute(stage: Stage, call: Call) -> None:
    """A microphone muted by the server is muted for everyone; only its owner opens it again."""
    wish = api.MuteRoomTrackRequest(
        room=call.room, identity=call.me.identity, track_sid=call.my_microphone, muted=True
    )
    await stage.livekit.room.mute_published_track(wish)

    async def muted() -> bool:
        return bool((await call.mine_at_bens())[call.my_microphone]["muted"])

    await until(muted)
    unmute = api.MuteRoomTrackRequest(
        room=call.room, identity=call.me.identity, track_sid=call.my_microphone, muted=False
    )
    with pytest.raises(api.TwirpError):
        await stage.livekit.room.mute_published_track(unmute)

    async def knows() -> bool:
        return bool((await call.me.seen())["me"]["tracks"][call.my_microphone]["muted"])

    await until(knows)
    await call.me.mute(call.my_microphone, False)

    async def heard() -> bool:
        return not await muted()

    await until(heard)


@line("People", "server removal")
async def test_server_removal(stage: Stage, call: Call) -> None:
    """A removed client is out, gone for the others, and its token is dead."""
    erik = await stage.enter(call.room, "erik")
    await stage.livekit.room.remove_participant(
        api.RoomParticipantIdentity(room=call.room, identity=erik.identity)
    )

    async def out() -> bool:
        return (await erik.seen())["state"] == "disconnected"

    await until(out)

    async def gone() -> bool:
        return erik.identity not in (await call.ben.seen())["people"]

    await until(gone)
    with pytest.raises(Exception, match=r"(?i)not allowed|401|403|denied|connect"):
        await stage.enter(call.room, "erik")


@line("People", "metadata and attributes")
async def test_metadata_and_attributes(stage: Stage, call: Call) -> None:
    """What the server sets is seen by the client itself and by the others; an empty value removes."""
    wish = api.UpdateParticipantRequest(
        room=call.room, identity=call.ben.identity, metadata="desk 9", attributes={"lang": "fr"}
    )
    await stage.livekit.room.update_participant(wish)

    async def seen(lang: str | None) -> bool:
        ben, there = (await call.me.seen())["people"][call.ben.identity], (await call.ben.seen())["me"]
        found = {(each["metadata"], each["attributes"].get("lang")) for each in (ben, there)}
        return found == {("desk 9", lang)}

    await until(lambda: seen("fr"))
    wish = api.UpdateParticipantRequest(room=call.room, identity=call.ben.identity, attributes={"lang": ""})
    await stage.livekit.room.update_participant(wish)
    await until(lambda: seen(None))


@line("People", "active speakers with hysteresis")
@pytest.mark.long
async def test_active_speakers(stage: Stage, call: Call) -> None:
    """A pause of breath keeps the client's mark as a speaker, silence ends it later, muting at once."""
    sid = stage.participant(call.me).sid

    def told(since: int) -> list[bool]:
        messages = stage.wire.heard(call.ben.identity, "speakers_changed", since)
        return [each.active for message in messages for each in message.speakers if each.sid == sid]

    await until(lambda: _speaks(call))
    mark = stage.wire.mark()
    await call.me.hush(call.my_microphone, True)
    await asyncio.sleep(0.2)
    await call.me.hush(call.my_microphone, False)
    await asyncio.sleep(1.5)
    assert False not in told(mark)
    mark, began = stage.wire.mark(), time.monotonic()
    await call.me.hush(call.my_microphone, True)
    await until(lambda: told(mark)[-1:] == [False])
    assert time.monotonic() - began > 0.7
    await until(lambda: _is_silent(call))
    await call.me.hush(call.my_microphone, False)
    await until(lambda: _speaks(call))
    await call.me.mute(call.my_microphone, True)
    await until(lambda: _is_silent(call))
    await call.me.mute(call.my_microphone, False)
    await until(lambda: _speaks(call))


async def _speaks(call: Call) -> bool:
    return call.me.identity in (await call.ben.seen())["speaking"]


async def _is_silent(call: Call) -> bool:
    return not await _speaks(call)


@line("People", "connection quality")
@pytest.mark.long
async def test_connection_quality_falls(stage: Stage, call: Call) -> None:
    """Loss on the path lowers the quality that everyone is told, and it recovers."""
    me = stage.participant(call.me)

    def levels() -> list[int]:
        told = stage.wire.heard(call.ben.identity, "connection_quality")
        return [each.quality for one in told for each in one.updates if each.participant_sid == me.sid]

    await until(lambda: levels()[-1:] == [ConnectionQuality.EXCELLENT])
    stage.impairer.loses_up = every(3)
    try:
        await until(lambda: levels()[-1] != ConnectionQuality.EXCELLENT)
    finally:
        stage.impairer.loses_up = nothing
    await until(lambda: levels()[-1] == ConnectionQuality.EXCELLENT)


@line("People", "sections reused when people come and go")
@pytest.mark.long
async def test_sections_are_reused(stage: Stage, empty_call: Call) -> None:
    """Five people one after another are all heard, and the offers do not grow."""
    call = empty_call
    for number in range(5):
        guest = await stage.enter(call.room, f"guest{number}", partner=True)
        sid = await guest.publish_microphone()
        await until(lambda: _hears(call, sid))  # noqa: B023
        await guest.leave()
    sections = [offer.sdp.count("\nm=") for offer in stage.wire.said(call.me.identity, "offer")]
    first = stage.wire.joins[call.me.identity].publisher_offer.sdp.count("\nm=") or sections[0]
    assert sections[-1] <= first + 1


async def _hears(call: Call, sid: str) -> bool:
    found = (await call.me.received()).get(sid)
    return found is not None and found.packets > 5


@line("Data", "reliable and lossy")
async def test_data(stage: Stage, call: Call) -> None:
    """Packets of both kinds go both ways, and from the server."""
    await call.me.publish_data("to all", reliable=True, topic="t")
    await call.me.publish_data("perhaps lost", reliable=False)
    await until(lambda: _data(call.ben, ["to all", "t", call.me.identity]))
    await until(lambda: _data(call.ben, ["perhaps lost", "", call.me.identity]))
    await call.ben.publish_data("back", reliable=True, topic="t")
    await until(lambda: _data(call.me, ["back", "t", call.ben.identity]))
    await stage.livekit.room.send_data(
        api.SendDataRequest(room=call.room, data=b"from the server", topic="s")
    )
    await until(lambda: _data(call.me, ["from the server", "s", ""]))


async def _data(client: object, packet: list[str]) -> bool:
    return packet in (await client.seen())["data"]  # type: ignore[attr-defined]


@line("Data", "text stream lk.chat")
async def test_chat(stage: Stage, call: Call) -> None:
    """A text goes both ways."""
    await call.me.send_text("good morning")
    await call.ben.send_text("bonjour")

    async def both() -> bool:
        return ["good morning", call.me.identity] in (await call.ben.seen())["texts"] and [
            "bonjour",
            call.ben.identity,
        ] in (await call.me.seen())["texts"]

    await until(both)


@line("Data", "end-to-end encryption passed through")
@pytest.mark.long
async def test_encryption(stage: Stage) -> None:
    """Both encrypt with a shared key: tracks are marked so, and what is decoded is a picture."""
    secret = {"room": {"encrypted": "a shared secret"}}
    call = await meet(stage, mine=secret, bens=secret)
    await call.publish()
    assert (await call.mine_at_bens())[call.my_camera]["encrypted"]
    assert (await call.bens_at_mine())[call.bens_camera]["encrypted"]
    await advances(call.me, call.bens_camera)
    (join,) = stage.wire.heard(call.me.identity, "join")
    assert join.sif_trailer
    await call.leave()
