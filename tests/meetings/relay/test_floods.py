"""Clients that want the relay to do too much, or something else than its work."""

import asyncio
import time

import pytest
from livekit.protocol.models import (
    ClientInfo,
    TrackType,
)
from livekit.protocol.rtc import (
    AddTrackRequest,
    LeaveRequest,
    RequestResponse,
    SignalRequest,
    SimulcastCodec,
    UpdateParticipantMetadata,
    UpdateSubscription,
    UpdateTrackSettings,
)

from .stage import Client, Stage, settle, token


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


async def test_a_track_is_described_in_few_words(stage: Stage) -> None:
    """Regression: codec names of any length went to everybody with each change of the track."""
    ann = await stage.enter("ann")
    codec = SimulcastCodec(codec="x" * 100_000, cid="c")
    await ann.say(add_track=AddTrackRequest(cid="c", type=TrackType.VIDEO, simulcast_codecs=[codec]))
    assert ann.last("request_response").reason == RequestResponse.Reason.LIMIT_EXCEEDED
    assert "track_published" not in ann.kinds()


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
