"""`relay_figures`, asked of real relays with real people in a call."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from channels.db import database_sync_to_async
from django.core.management import call_command
from prometheus_client.parser import text_string_to_metric_families

from meetings import connections, figures
from meetings.connections import Picture
from meetings.models import Relay as RelayRow
from meetings.relay.interface import RelayLimits
from meetings.relay.server import RelayConfig
from tests.meetings.relay.adapter import KEY, SECRET, Front, OpenPortal, started
from tests.meetings.relay.stage import token
from tests.peers.person import LightPerson

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def front(tmp_path: Path, settings: Any) -> AsyncIterator[Front]:
    """The one relay that is registered; another one is registered and gone."""
    settings.MEDIA_SERVER_KEY, settings.MEDIA_SERVER_SECRET = KEY, SECRET
    settings.MEDIA_REGISTERED = True
    front = Front()
    url = await front.listen("127.0.0.1")
    limits = RelayLimits(departure_timeout=0, linger=0.1)
    config = RelayConfig(KEY, SECRET, ("127.0.0.1",), tmp_path, bind="127.0.0.1", limits=limits)
    relay = await started(front, config, OpenPortal())
    await database_sync_to_async(RelayRow.objects.create)(address=url, udp_port=relay.udp_port)
    await database_sync_to_async(RelayRow.objects.create)(address="http://127.0.0.1:9", udp_port=9)
    yield front
    await relay.stop()
    await front.close()


@asynccontextmanager
async def two_people(front: Front) -> AsyncIterator[None]:
    """Ann and Ben in room r, each sending and receiving."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        for name in ("ann", "ben"):
            person = LightPerson(http, front.url, token(name))
            await person.join()
            stack.push_async_callback(person.leave)
        yield


async def said(*words: str) -> str:
    out = StringIO()
    await database_sync_to_async(call_command)("relay_figures", *words, stdout=out)
    return out.getvalue()


async def test_operators_read_relays_rooms_and_people(front: Front) -> None:
    assert front.relay is not None
    plane = front.relay.overview.plane
    async with two_people(front):
        async with asyncio.timeout(30):
            while True:
                here, gone = sorted(
                    json.loads(await said("--json"))["relays"], key=lambda told: bool(told["problem"])
                )
                if here["rates"]["packets"] and all(
                    p["bitrate_up"] for p in here["rooms"][0]["participants"]
                ):
                    break
        relays, people = await said(), await said("r")
    assert gone == {"name": "127.0.0.1:9", "problem": gone["problem"], "rooms": []}
    assert "127.0.0.1:9" in gone["problem"]
    assert (here["plane"], here["alive"]["participants"]) == (plane, 2)
    assert here["rates"]["cpu_us_per_packet"] > 0
    assert here["rates"]["bitrate"] > 0
    (room,) = here["rooms"]
    assert {person["identity"] for person in room["participants"]} == {"ann", "ben"}
    assert "127.0.0.1:9  does not tell: " in relays
    head, line = (line for line in relays.splitlines() if line.startswith("  "))
    assert f"{plane}  rooms: 1  people: 2" in relays
    assert head.split()[:2] == ["room", "people"]
    assert line.split()[:2] == ["r", "2"]
    ann = next(line for line in people.splitlines() if line.startswith("  ann"))
    assert "connected" in ann
    assert "camera 0, receives 1 single" in ann


async def test_a_token_for_prometheus_opens_the_metrics_and_no_room(front: Front) -> None:
    bearer = (await said("--token", "30")).strip()
    headers = {"Authorization": f"Bearer {bearer}", "X-Forwarded-For": "203.0.113.9"}
    async with aiohttp.ClientSession(front.url, headers=headers) as http:
        async with http.get("/metrics") as answer:
            assert answer.status == 200
            assert any(text_string_to_metric_families(await answer.text()))
        async with http.post("/twirp/visio.Figures/GetRoom", json={"room": "r"}) as answer:
            assert answer.status == 403


async def test_the_page_is_told_what_the_relay_measures(front: Front, settings: Any) -> None:
    """All of the room for whoever leads, one alone for the others: by the relay's real answers."""
    settings.MEDIA_REGISTERED, settings.MEDIA_SERVER_URL = False, front.url
    async with two_people(front):
        async with asyncio.timeout(30):
            while True:
                ann = await database_sync_to_async(connections.connection_of)(room="r", identity="ann")
                if ann and ann.up.bitrate and ann.down.bitrate and ann.down.pictures and ann.up.loss == 0:
                    break
                await asyncio.sleep(0.2)
        everybody = await database_sync_to_async(connections.connections_in)(room="r")
        nobody = await database_sync_to_async(connections.connection_of)(room="r", identity="eve")
    assert ann.up.pictures == ann.down.pictures == (Picture("single"),)
    assert {one.identity for one in everybody} == {"ann", "ben"}
    assert nobody is None


def test_rates_are_those_between_two_answers() -> None:
    before = {"at": 1.0, "cpu": {"plane": 1.0, "process": 2.0}, "counters": {"forwarded": 100}}
    after = {
        "at": 3.0,
        "cpu": {"plane": 1.02, "process": 2.5},
        "counters": {"forwarded": 1_100, "forwarded_octets": 1_000_000},
    }
    assert figures.rates(before, after) == {
        "packets": 500.0,
        "bitrate": 4_000_000,
        "cpu": 0.25,
        "plane_cpu": 0.01,
        "cpu_us_per_packet": 20.0,
    }
    assert figures.rates(before, before | {"at": 2.0})["cpu_us_per_packet"] is None
