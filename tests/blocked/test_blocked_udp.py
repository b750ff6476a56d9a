"""Calls out of an office whose firewall blocks UDP: through coturn over TCP and TLS, and straight over TCP.

Real peers throughout: Chromium and Firefox ESR behind the firewall, coturn and a standalone relay outside.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.blocked.coturn import NAME, PORT, TLS_PORT
from tests.blocked.office import MEDIA_PORT, RELAY, Office, blocked_office
from tests.conformance.client import BrowserClient, Picture, until
from tests.conformance.stage import token
from tests.e2e.portal import ROOT

pytestmark = [pytest.mark.media, pytest.mark.browser]

OVER_TCP = f"turn:{NAME}:{PORT}?transport=tcp"
OVER_TLS = f"turns:{NAME}:{TLS_PORT}?transport=tcp"
SMALL = Picture(width=320, height=180, fps=8, layers=())
ANSWERING = 60.0  # seconds; a browser's start on a busy machine among them


class Caller:
    """A browser in the office; `client.Browser` as far as a BrowserClient needs it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process, self._turn = process, asyncio.Lock()

    async def answer(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWERING):
            line = await self._process.stdout.readline()
        message: dict[str, str] = json.loads(line or b'{"error": "the caller ended"}')
        assert "answer" in message, message["error"]
        return message["answer"]

    async def run(self, function: str, argument: str) -> str:
        assert self._process.stdin is not None
        async with self._turn:
            self._process.stdin.write(argument.encode() + b"\n")
            return await self.answer()


@asynccontextmanager
async def caller(office: Office, kind: str, folder: Path) -> AsyncIterator[Caller]:
    """The browser trusts the TURN server's authority, as an administration's machines would."""
    profile = folder / "profile"
    profile.mkdir(parents=True)
    _trust(office.turn.authority, folder / ".pki" / "nssdb" if kind == "chromium" else profile)
    command = office.inside(sys.executable, "-m", "tests.blocked.caller", kind, str(folder), office.pages)
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**os.environ, "HOME": str(folder)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        made = Caller(process)
        await made.answer()
        yield made
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 30)


def _trust(authority: Path, database: Path) -> None:
    """Both browsers keep authorities in NSS databases; Chromium looks for one below the home folder."""
    database.mkdir(parents=True, exist_ok=True)
    at = ["certutil", "-d", f"sql:{database}"]
    subprocess.run([*at, "-N", "--empty-password"], check=True)
    subprocess.run([*at, "-A", "-n", "test", "-t", "C,,", "-i", str(authority)], check=True)


@asynccontextmanager
async def two_people(
    office: Office, kinds: tuple[str, ...], folder: Path
) -> AsyncIterator[list[BrowserClient]]:
    """In one room, each with camera and microphone; two in one browser where there is only one kind."""
    async with AsyncExitStack() as stack:
        started = [await stack.enter_async_context(caller(office, kind, folder / kind)) for kind in kinds]
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
        log = office.turn.log.read_text(errors="replace")
        assert office.turn.secret not in office.relay.log.read_text()
    assert ":ann>" in log, "coturn knows nobody of that name"


@pytest.mark.long
async def test_a_call_straight_over_tcp(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with blocked_office(tmp_path, urls=[], media_tcp=True) as office:
        async with two_people(office, ("firefox", "chromium"), tmp_path) as people:
            for person in people:
                await sees_and_hears(person)
            for person in people:
                used = await path(person)
                record_property("figure", f"{person.identity}: {used}")
                # Chromium keeps its own address to itself, and then learns it from the relay.
                assert (used["type"] in ("host", "prflx"), used["remoteProtocol"]) == (True, "tcp")
                assert (used["address"], used["port"]) == (RELAY, MEDIA_PORT)
