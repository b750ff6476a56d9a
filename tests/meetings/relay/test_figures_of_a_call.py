"""What operators and the host read, of a real call: real DTLS, SRTP and RTCP at both ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from meetings.relay.interface import RelayLimits
from meetings.relay.server import RelayConfig
from tests.peers.person import LightPerson
from tests.peers.reporting import Path as NetworkPath
from tests.peers.reporting import ReportingTransport

from .adapter import KEY, SECRET, Front, OpenPortal, started
from .dataplane.conftest import make_plane
from .stage import Stage, bearer, token

FIGURES = "/twirp/visio.Figures/"


@pytest.fixture(params=["portable", "native"])
async def front(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Front]:
    make_plane(request.param)  # skips where it was not built
    front = Front()
    await front.listen("127.0.0.1")
    config = RelayConfig(
        KEY,
        SECRET,
        ("127.0.0.1",),
        tmp_path,
        bind="127.0.0.1",
        plane=request.param,
        limits=RelayLimits(departure_timeout=0, linger=0.1),
    )
    relay = await started(front, config, OpenPortal())
    yield front
    await relay.stop()
    await front.close()


async def asked(
    http: aiohttp.ClientSession, front: Front, method: str = "GetRoom", *, identity: str = "", **grants: Any
) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": bearer(**(grants or {"room_admin": True, "room": "r"}))}
    request = {"room": "r"} | ({"identity": identity} if identity else {})
    async with http.post(f"{front.url}{FIGURES}{method}", json=request, headers=headers) as answer:
        return answer.status, await answer.json()


async def told(
    ask: Callable[[], Awaitable[tuple[int, dict[str, Any]]]],
    enough: Callable[[dict[str, Any], dict[str, Any]], bool],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The figures of ann and ben, once they are `enough`."""
    async with asyncio.timeout(30):
        while True:
            people = {person["identity"]: person for person in (await ask())[1]["participants"]}
            if people.keys() == {"ann", "ben"} and enough(people["ann"], people["ben"]):
                return people["ann"], people["ben"]
            await asyncio.sleep(0.2)


async def test_each_person_has_rates_losses_and_the_round_trip_of_their_path(front: Front) -> None:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        ann, ben = (LightPerson(http, front.url, token(name)) for name in ("ann", "ben"))
        ann.transport = ReportingTransport(NetworkPath(loses_up=5))
        ben.transport = ReportingTransport(NetworkPath(delay=0.08, held=0.3, loses_down=4))
        for person in (ann, ben):
            await person.join()
            stack.push_async_callback(person.leave)
        figures, of_ben = await told(
            lambda: asked(http, front),
            lambda ann, ben: (
                bool(ann["loss_up"] and ben["loss_down"] and ben["round_trip_ms"])
                and min(ann["bitrate_up"], ben["bitrate_down"]) > 8_000
            ),
        )
    assert figures["connection"] == "connected"
    # 10 voice packets of about 80 and 5 picture packets of about 340 octets a second, less a fifth.
    assert figures["bitrate_up"] < 40_000
    assert of_ben["bitrate_down"] < 40_000
    assert 0.05 < figures["loss_up"] < 0.5
    assert 0.05 < of_ben["loss_down"] < 0.6
    assert of_ben["loss_up"] in (0.0, None)
    assert of_ben["round_trip_by"] == "rtcp"
    assert 80 <= of_ben["round_trip_ms"] < 280  # the 300 ms that he held it are not the path's
    assert of_ben["jitter_down_ms"] == 18.8  # 900 ticks of 48 kHz
    (camera,) = [track for track in figures["tracks"] if track["source"] == "camera"]
    assert [(layer["quality"], layer["live"]) for layer in camera["layers"]] == [(0, True)]
    assert of_ben["receives"]["voices"] == 1
    assert of_ben["receives"]["videos"] == {"single": 1}
    assert of_ben["receives"]["paused"] == 0


async def test_figures_are_for_whoever_administers_that_room(stage: Stage) -> None:
    await stage.enter("ann")
    async with aiohttp.ClientSession() as http:
        front = stage.front
        assert (await asked(http, front, room_admin=True, room="other"))[0] == 403
        assert (await asked(http, front, room_list=True))[0] == 403
        status, answer = await asked(http, front)
        assert status == 200
        (ann,) = answer["participants"]
        assert json.dumps(ann["receives"]["voices"]) == "0"  # not 0.0, as protobuf would have it
        assert (ann["identity"], ann["connection"], ann["round_trip_ms"]) == ("ann", "connecting", None)


async def test_without_media_the_round_trip_is_that_of_the_clients_own_pings(stage: Stage) -> None:
    ann = await stage.enter("ann")
    await ann.say(ping_req={"timestamp": 5, "rtt": 42})
    async with aiohttp.ClientSession() as http:
        (figures,) = (await asked(http, stage.front))[1]["participants"]
    assert (figures["round_trip_ms"], figures["round_trip_by"]) == (42, "signalling")


async def test_ones_own_figures_are_had_without_anybody_elses(stage: Stage) -> None:
    """Each costs by the number of subscriptions: all of a large room's are too many for everybody to ask."""
    for name in ("ann", "ben"):
        await stage.enter(name)
    async with aiohttp.ClientSession() as http:
        status, ann = await asked(http, stage.front, "GetParticipant", identity="ann")
        assert (status, ann["identity"], ann["connection"]) == (200, "ann", "connecting")
        assert (await asked(http, stage.front, "GetParticipant", identity="eve"))[0] == 404
        other = {"room_admin": True, "room": "other"}
        assert (await asked(http, stage.front, "GetParticipant", identity="ann", **other))[0] == 403
        everybody = (await asked(http, stage.front))[1]["participants"]
    for figures in (ann, *everybody):
        del figures["seconds"]
    assert ann in everybody


async def test_a_room_is_measured_once_a_second_however_many_ask(stage: Stage) -> None:
    await stage.enter("ann")
    async with aiohttp.ClientSession() as http:
        began = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*(asked(http, stage.front) for _ in range(30)))
        at = {answer["at"] for _, answer in answers}
        assert len(at) <= 1 + (asyncio.get_running_loop().time() - began)
        await asyncio.sleep(1.1)
        assert (await asked(http, stage.front))[1]["at"] > max(at)
