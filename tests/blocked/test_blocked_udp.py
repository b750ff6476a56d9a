"""Calls out of an office whose firewall blocks UDP: through coturn over TCP and TLS, and straight over TCP.

Real peers throughout: Chromium and Firefox ESR behind the firewall, coturn and a standalone relay outside.
"""

import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.blocked.browsers import caller
from tests.blocked.coturn import NAME, PORT, TLS_PORT
from tests.blocked.office import MEDIA_PORT, RELAY, Office, blocked_office
from tests.conformance.client import BrowserClient, Picture, until
from tests.conformance.stage import token

pytestmark = [pytest.mark.media, pytest.mark.browser]

OVER_TCP = f"turn:{NAME}:{PORT}?transport=tcp"
OVER_TLS = f"turns:{NAME}:{TLS_PORT}?transport=tcp"
SMALL = Picture(width=320, height=180, fps=8, layers=())


@asynccontextmanager
async def two_people(
    office: Office, kinds: tuple[str, ...], folder: Path
) -> AsyncIterator[list[BrowserClient]]:
    """In one room, each with camera and microphone; two in one browser where there is only one kind."""
    async with AsyncExitStack() as stack:
        started = [
            await stack.enter_async_context(caller(office.network, kind, folder / kind, office.pages))
            for kind in kinds
        ]
        people = [
            BrowserClient(started[number % len(started)], name) for number, name in enumerate(("ann", "ben"))
        ]
        for person in people:
            await person.join(office.relay.url.replace("http", "ws"), token(person.identity, "r"))
        for person in people:
            await person.publish_camera(SMALL)
            await person.publish_microphone()
        yield people
        for person in people:
            await person.leave()


async def sees_and_hears(person: BrowserClient) -> None:
    """The other's pictures advance, and sound comes."""

    async def both() -> Any:
        rows = (await person.received()).values()
        return max((row.frames for row in rows), default=0), max((row.energy for row in rows), default=0.0)

    frames, energy = await both()

    async def more() -> bool:
        now = await both()
        return bool(now[0] > frames + 10 and now[1] > energy)

    await until(more, 60)


async def path(person: BrowserClient) -> dict[str, Any]:
    found: dict[str, Any] = await until(lambda: person.act("path"), 20)
    return found


@pytest.mark.parametrize(
    ("kinds", "url", "protocol"),
    [
        pytest.param(("chromium",), OVER_TCP, "tcp", id="tcp-chromium"),
        pytest.param(("firefox", "chromium"), OVER_TCP, "tcp", id="tcp-firefox", marks=pytest.mark.long),
        pytest.param(("firefox", "chromium"), OVER_TLS, "tls", id="tls-both", marks=pytest.mark.long),
    ],
)
async def test_a_call_through_coturn(
    kinds: tuple[str, ...],
    url: str,
    protocol: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    with blocked_office(tmp_path, urls=[url], media_tcp=False) as office:
        async with two_people(office, kinds, tmp_path) as people:
            for person in people:
                await sees_and_hears(person)
            for person in people:
                used = await path(person)
                record_property("figure", f"{person.identity}: {used}")
                assert (used["type"], used["relayProtocol"]) == ("relay", protocol)
                assert (used["address"], used["port"]) == (RELAY, MEDIA_PORT)
        log = office.network.turn.log.read_text(errors="replace")
        assert office.network.turn.secret not in office.relay.log.read_text()
    assert ":ann>" in log, "coturn knows nobody of that name"


@pytest.mark.long
async def test_a_call_straight_over_tcp(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with blocked_office(tmp_path, media_tcp=True) as office:
        async with two_people(office, ("firefox", "chromium"), tmp_path) as people:
            for person in people:
                await sees_and_hears(person)
            for person in people:
                used = await path(person)
                record_property("figure", f"{person.identity}: {used}")
                # Chromium keeps its own address to itself, and then learns it from the relay.
                assert (used["type"] in ("host", "prflx"), used["remoteProtocol"]) == (True, "tcp")
                assert (used["address"], used["port"]) == (RELAY, MEDIA_PORT)


@pytest.mark.long
async def test_where_udp_gets_through_nobody_stays_on_tcp(tmp_path: Path) -> None:
    with blocked_office(tmp_path, media_tcp=True, udp=True) as office:
        async with two_people(office, ("firefox", "chromium"), tmp_path) as people:
            for person in people:
                await sees_and_hears(person)
                assert (await path(person))["remoteProtocol"] == "udp"
            await until(lambda: _alive(office)["tcp_connections"] == 0)


def _alive(office: Office) -> dict[str, int]:
    """What the relay counts, a moment ago at least."""
    office.relay.process.send_signal(signal.SIGUSR1)
    lines = [line for line in office.relay.log.read_text().splitlines() if " census {" in line]
    counted: dict[str, int] = (
        json.loads(lines[-1].partition(" census ")[2])["alive"] if lines else {"tcp_connections": -1}
    )
    return counted
