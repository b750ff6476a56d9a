"""Lost sockets, changed networks, and a start from the beginning."""

from collections.abc import Callable
from typing import Any

import pytest
import pytest_asyncio
from livekit.protocol.models import DisconnectReason
from livekit.protocol.rtc import LeaveRequest, SessionDescription

from ..client import until
from ..scene import Call, advances, events, line
from ..stage import Stage

Note = Callable[[str], None]


async def _resumed(stage: Stage, call: Call, mark: int) -> None:
    """Waits for a resume that was begun after `mark`."""
    me = call.me.identity
    await until(lambda: stage.wire.heard(me, "reconnect", mark) or stage.wire.heard(me, "join", mark), 30)
    assert not stage.wire.heard(me, "join", mark), stage.wire.since(me, mark)
    await until(lambda: stage.wire.said(call.me.identity, "sync_state", mark))
    await until(lambda: _connected(call))


async def _connected(call: Call) -> bool:
    return (await call.me.seen())["state"] == "connected"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def resumption(stage: Stage, second_call: Call) -> tuple[str, int]:
    """The second call's socket was lost once and came back: the sid before, and the mark of the loss."""
    sid, mark = stage.participant(second_call.me).sid, stage.wire.mark()
    stage.cut(second_call.me)
    await _resumed(stage, second_call, mark)
    return sid, mark


@line("Out", "reconnect")
async def test_reconnect(stage: Stage, second_call: Call, resumption: tuple[str, int]) -> None:
    """The first word on the new socket; the client says it is back."""
    me, (_, mark) = second_call.me, resumption
    told = [m.kind for m in stage.wire.messages[mark:] if m.identity == me.identity and m.outwards]
    assert told[0] == "reconnect"
    await until(lambda: events(me, "reconnected"))


@line("In", "sync_state")
async def test_sync_state(stage: Stage, second_call: Call, resumption: tuple[str, int]) -> None:
    """After a resume the client says what it publishes, and the relay knows the same."""
    _, mark = resumption
    (state, *_) = stage.wire.said(second_call.me.identity, "sync_state", mark)
    mine = {second_call.my_camera, second_call.my_microphone}
    assert {each.track.sid for each in state.publish_tracks} >= mine
    assert set(await second_call.mine_at_bens()) >= mine


@line("Recovery", "resume after a lost socket")
async def test_resume(stage: Stage, second_call: Call, resumption: tuple[str, int]) -> None:
    """The same person goes on without a new join; pictures and messages flow again."""
    call, (sid, mark) = second_call, resumption
    assert stage.participant(call.me).sid == sid
    assert not stage.wire.heard(call.me.identity, "join", mark)
    await advances(call.me, call.bens_camera)
    await advances(call.ben, call.my_camera)
    await call.me.publish_data("still here", reliable=True)
    await until(lambda: _heard(call, "still here"))


async def _heard(call: Call, text: str) -> bool:
    return any(packet[0] == text for packet in (await call.ben.seen())["data"])


@line("Recovery", "resume with ICE restart")
async def test_resume_in_another_network(stage: Stage, second_call: Call) -> None:
    """The client comes back from other addresses with new ICE credentials; pictures go on both ways."""
    call, me = second_call, second_call.me.identity
    sid, mark = stage.participant(call.me).sid, stage.wire.mark()
    before = _ufrags([*stage.wire.said(me, "offer"), stage.wire.joins[me].publisher_offer])
    stage.impairer.move()
    stage.cut(call.me)
    await _resumed(stage, call, mark)
    await until(lambda: _ufrags(stage.wire.said(me, "offer", mark)) - before)
    await advances(call.me, call.bens_camera)
    await advances(call.ben, call.my_camera)
    assert stage.participant(call.me).sid == sid


def _ufrags(offers: list[Any]) -> set[str]:
    texts: list[SessionDescription] = offers
    lines = [line for offer in texts for line in offer.sdp.splitlines()]
    return {line for line in lines if line.startswith("a=ice-ufrag:")}


@line("Recovery", "full reconnect")
@pytest.mark.long
async def test_full_reconnect(stage: Stage, second_call: Call) -> None:
    """Told to start anew, the client joins again, publishes again, and is seen again."""
    call, mark = second_call, stage.wire.mark()
    person = stage.participant(call.me)
    stage.room(call.room).remove(
        person, DisconnectReason.STATE_MISMATCH, action=LeaveRequest.Action.RECONNECT
    )
    await until(lambda: stage.wire.heard(call.me.identity, "join", mark), 30)
    await until(lambda: len(stage.wire.said(call.me.identity, "add_track", mark)) >= 2)
    assert stage.participant(call.me).sid != person.sid
    await advances(call.me, call.bens_camera)

    async def seen_again() -> str:
        tracks = (await call.mine_at_bens()).items()
        return next((sid for sid, each in tracks if each["source"] == "camera"), "")

    call.my_camera = await until(seen_again)
    await advances(call.ben, call.my_camera)
