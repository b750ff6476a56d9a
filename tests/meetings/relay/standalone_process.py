"""`manage.py relay --standalone` as its users start it."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from livekit.api import WebhookReceiver
from livekit.api.access_token import TokenVerifier
from livekit.protocol.webhook import WebhookEvent

from tests.e2e.machines import Machine
from visio_portal.environment import ROOT

from .adapter import KEY, SECRET


@dataclass
class Standalone:
    """A running process; `url` is the one that its ready line names."""

    url: str
    process: subprocess.Popen[str]
    log: Path

    def stop(self) -> None:
        """Tells it to stop, and waits for it."""
        self.process.terminate()
        self.process.wait(20)


def environment(data: Path) -> dict[str, str]:
    """A data folder that is not there, and that nothing may make."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VISIO_", "DJANGO_"))}
    return {**kept, "VISIO_DATA": str(data), "PYTHONWARNINGS": "error"}


@contextmanager
def standalone(
    folder: Path,
    *arguments: str,
    keys: str = f"{KEY}: {SECRET}",
    variables: Mapping[str, str] | None = None,
    on: Machine | None = None,
) -> Iterator[Standalone]:
    """Runs until the block ends, then is told to stop and must end with 0. May run *on* another machine."""
    command = [
        sys.executable,
        "manage.py",
        "relay",
        "--standalone",
        "--keys",
        keys,
        "--port",
        "0",
        *arguments,
    ]
    log = folder / "relay.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            on.inside(*command) if on else command,
            cwd=ROOT,
            env={**environment(folder / "no-data"), **(variables or {})},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Relay is ready at http://"), log.read_text()
            yield Standalone(line.split()[4].rstrip(","), process, log)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(20)
    assert process.returncode == 0, log.read_text()
    assert not (folder / "no-data").exists()


@dataclass
class Hook:
    """A receiver of webhooks: each event as livekit-api's own receiver verified it, in order."""

    url: str = ""
    events: list[WebhookEvent] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def named(self, name: str) -> list[WebhookEvent]:
        return [event for event in self.events if event.event == name]

    async def take(self, request: web.Request) -> web.Response:
        receiver = WebhookReceiver(TokenVerifier(KEY, SECRET))
        body = (await request.read()).decode()
        try:
            self.events.append(receiver.receive(body, request.headers["Authorization"]))
        except Exception as error:
            self.refused.append(repr(error))
        return web.Response()


@asynccontextmanager
async def hook() -> AsyncIterator[Hook]:
    """Listens on this machine until the block ends."""
    made, app = Hook(), web.Application()
    app.router.add_post("/hook", made.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()
