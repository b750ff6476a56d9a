"""Bounds on what one client may cost, and what it is told beyond them (docs/relay.md has the table)."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from livekit.protocol.models import DisconnectReason, TrackSource, TrackType
from livekit.protocol.rtc import (
    AddTrackRequest,
    LeaveRequest,
    RequestResponse,
    SessionDescription,
    TrickleRequest,
    UpdateParticipantMetadata,
)

from meetings.relay.errors import MalformedDescription, Refused
from meetings.relay.interface import RelayLimits
from meetings.relay.sdp import parse_offer
from meetings.relay.server import Relay, RelayConfig
from meetings.relay.signalling import SectionLedger, TokenBuckets
from tests.peers.descriptions import Description, Section

from .adapter import KEY, SECRET, Front, OpenPortal, started
from .stage import Client, Stage, bearer, settle, token
from .test_server import SlowPortal


async def relay_with(tmp_path: Path, portal: OpenPortal | None = None, **limits: object) -> Relay:
    bounds = replace(RelayLimits(linger=0.0), **limits)  # type: ignore[arg-type]
    config = RelayConfig(KEY, SECRET, ("127.0.0.1",), tmp_path, bind="127.0.0.1", limits=bounds)
    return await started(Front(), config, portal or OpenPortal())


async def test_who_joins_without_end_is_told_so_and_others_are_not(tmp_path: Path) -> None:
    """Each join is told to everybody in the room, and asks the database."""
    relay = await relay_with(tmp_path, join_burst=3)
    for _ in range(3):
        await Client(relay).join(token("ann"))
    with pytest.raises(Refused) as refused:
        await Client(relay).join(token("ann"))
    assert (refused.value.status, refused.value.public) == (429, "Too many tries.")
    await Client(relay).join(token("ben"))
    await relay.stop()


async def test_joins_that_wait_for_the_portal_are_bounded(tmp_path: Path) -> None:
    portal = SlowPortal()
    relay = await relay_with(tmp_path, portal, pending_joins=2)
    waiting = [asyncio.create_task(Client(relay).join(token(name))) for name in ("ann", "ben")]
    await settle()
    with pytest.raises(Refused) as refused:
        await Client(relay).join(token("cara"))
    assert refused.value.status == 503
    portal.answers.set()
    await asyncio.gather(*waiting)
    await Client(relay).join(token("cara"))
    await relay.stop()


async def test_who_joins_and_never_offers_does_not_keep_a_seat(tmp_path: Path) -> None:
    """Regression: a socket that only answered pings was a participant for ever."""
    relay = await relay_with(tmp_path, first_offer=0.2)
    silent, ann = await Client(relay).join(token("silent")), await Client(relay).join(token("ann"))
    await ann.say(offer=SessionDescription(type="offer", sdp=Description().offer("frag", "password", "AB")))
    async with asyncio.timeout(5):
        while not silent.closed:
            await asyncio.sleep(0.05)
    leave = silent.last("leave")
    assert (leave.action, leave.reason) == (
        LeaveRequest.Action.DISCONNECT,
        DisconnectReason.CONNECTION_TIMEOUT,
    )
    assert "leave" not in ann.kinds()
    await relay.stop()


async def test_a_client_is_never_asked_for_more_sections_than_it_may_offer(tmp_path: Path) -> None:
    """Regression: in a room of more tracks than sections, clients were expelled for the offer that the relay
    had asked them for."""
    relay = await relay_with(tmp_path, sections=8)
    for name in ("ann", "ben", "cara", "dora"):
        await publish(await Client(relay).join(token(name)))
    eve, ours = await Client(relay).join(token("eve")), Description()
    for _ in range(6):
        await eve.say(offer=SessionDescription(type="offer", sdp=ours.offer("frag", "password", "AB")))
        asked = eve.kinds().count("media_sections_requirement")
        await asyncio.sleep(0.3)
        if eve.kinds().count("media_sections_requirement") == asked:
            break
        wanted = eve.last("media_sections_requirement")
        ours.sections += [Section("audio") for _ in range(wanted.num_audios)]
        ours.sections += [Section("video") for _ in range(wanted.num_videos)]
    else:
        pytest.fail("the relay asks without end")
    kinds = [section.kind for section in ours.sections]
    assert (kinds.count("audio"), kinds.count("video")) == (4, 3)  # sound first
    assert "leave" not in eve.kinds()
    await relay.stop()


async def publish(person: Client) -> None:
    ours = Description()
    ours.sections += [Section("audio", "sendonly", "mic", 7), Section("video", "sendonly", "cam", 8)]
    await person.say(add_track=AddTrackRequest(cid="mic", source=TrackSource.MICROPHONE))
    camera = AddTrackRequest(cid="cam", type=TrackType.VIDEO, source=TrackSource.CAMERA)
    await person.say(add_track=camera)
    await person.say(offer=SessionDescription(type="offer", sdp=ours.offer("frag", "password", "AB")))


async def test_candidates_cost_nothing(stage: Stage) -> None:
    """An ICE-lite agent needs none of them; any number within the rate of messages is ignored."""
    ann = await stage.enter("ann")
    before = stage.relay.census()
    for _ in range(300):
        await ann.say(trickle=TrickleRequest(candidateInit="{" * 1000))
    await ann.say(ping=1)
    assert ann.kinds()[-1] == "pong"
    assert stage.relay.census() == before


LINES = {
    "layers": [f"a=rid:r{number} send" for number in range(9)],
    "attributes": [f"a=ssrc:{number} cname:x" for number in range(1001)],
    "fingerprints": ["a=fingerprint:sha-256 00"] * 1001,
    "a line": ["a=fmtp:96 " + "x" * 9_000],
}


@pytest.mark.parametrize("too_many", LINES)
async def test_an_offer_beyond_its_bounds_ends_the_session(stage: Stage, too_many: str) -> None:
    text = Description().offer("frag", "password", "AB") + "\r\n".join(LINES[too_many]) + "\r\n"
    with pytest.raises(MalformedDescription):
        parse_offer(text)
    ann = await stage.enter("ann")
    await ann.say(offer=SessionDescription(type="offer", sdp=text))
    assert ann.last("leave").reason == DisconnectReason.STATE_MISMATCH


def test_sections_are_asked_for_up_to_a_bound() -> None:
    ledger = SectionLedger()
    ledger.offered({"audio": 3, "video": 3})
    need = {"pending": {"audio": 2, "video": 5}, "free": {"audio": 0, "video": 0}}
    assert ledger.require(**need, room=4) == {"audio": 2, "video": 2}
    assert ledger.require(**need, room=4) == {"audio": 0, "video": 0}


def test_made_up_names_cost_no_memory() -> None:
    buckets = TokenBuckets(rate=1, burst=1, most=100)
    assert all(buckets.take(number, 0.0) for number in range(1000))
    assert len(buckets._buckets) == 100
    assert not buckets.take(999, 0.0)


TOO_MUCH = {
    "name": UpdateParticipantMetadata(name="x" * 257),
    "metadata": UpdateParticipantMetadata(metadata="x" * 65_537),
    "attributes": UpdateParticipantMetadata(attributes={f"a{number}": "x" for number in range(65)}),
    "attributes' bytes": UpdateParticipantMetadata(attributes={"a": "x" * 65_536}),
}


@pytest.mark.parametrize("what", TOO_MUCH)
async def test_too_much_about_oneself_is_refused_in_livekits_words(stage: Stage, what: str) -> None:
    ann, ben = await stage.enter("ann"), await stage.enter("ben")
    told = ben.kinds().count("update")
    await ann.say(update_metadata=TOO_MUCH[what])
    assert ann.last("request_response").reason == RequestResponse.Reason.LIMIT_EXCEEDED
    assert "leave" not in ann.kinds()
    assert ben.kinds().count("update") == told


async def test_too_many_rooms_are_refused_to_clients_and_to_the_api(tmp_path: Path) -> None:
    relay = await relay_with(tmp_path, rooms=1)
    await Client(relay).join(token("ann", room="one"))
    with pytest.raises(Refused) as refused:
        await Client(relay).join(token("ben", room="two"))
    assert (refused.value.status, refused.value.public) == (503, "The server is full.")
    path, rights = "/twirp/livekit.RoomService/CreateRoom", bearer(room_create=True)
    status, _, body = await relay.twirp(path, rights, b'{"name": "two"}', "application/json")
    assert (status, json.loads(body)["code"]) == (429, "resource_exhausted")
    await relay.stop()


async def test_sources_that_nobody_announced_are_bounded(stage: Stage) -> None:
    """One person's SSRCs: a camera that changes its own without end keeps the last alone."""
    ann = await stage.enter("ann")
    await publish(ann)
    ours = Description()
    for number in range(20):
        ours.sections[7:] = [
            Section("audio", "sendonly", "mic", 100 + number),
            Section("video", "sendonly", "cam", 200 + number),
        ]
        await ann.say(offer=SessionDescription(type="offer", sdp=ours.offer("frag", "password", "AB")))
    assert stage.relay.census()["streams"] == 2
