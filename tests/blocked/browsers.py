"""Browsers in the office, driven from here."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.blocked.office import Network
from tests.e2e.portal import ROOT

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
async def caller(network: Network, kind: str, folder: Path, origin: str) -> AsyncIterator[Caller]:
    """A browser of that kind with the page of `origin`. It trusts the TURN server's authority, as an
    administration's machines would."""
    profile = folder / "profile"
    profile.mkdir(parents=True)
    trust(network.turn.authority, folder / ".pki" / "nssdb" if kind == "chromium" else profile)
    command = network.inside(sys.executable, "-m", "tests.blocked.caller", kind, str(folder), origin)
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


def trust(authority: Path, database: Path) -> None:
    """Both browsers keep authorities in NSS databases; Chromium looks for one below the home folder."""
    database.mkdir(parents=True, exist_ok=True)
    at = ["certutil", "-d", f"sql:{database}"]
    subprocess.run([*at, "-N", "--empty-password"], check=True)
    subprocess.run([*at, "-A", "-n", "test", "-t", "C,,", "-i", str(authority)], check=True)
