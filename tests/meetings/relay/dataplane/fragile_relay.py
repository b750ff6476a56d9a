"""A relay in a process of its own, whose data plane panics."""

import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from meetings.management.relay_process import run_relay
from meetings.relay.dataplane.native import build
from meetings.relay.dataplane.native.plane import NativePlane
from meetings.relay.server import Relay, RelayConfig
from tests.meetings.relay.adapter import KEY, SECRET, OpenPortal


@asynccontextmanager
async def provoked(relay: Relay, address: str, end: Callable[[], None]) -> AsyncIterator[None]:
    plane = relay._plane
    assert isinstance(plane, NativePlane)
    plane.provoke_panic()
    yield


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    build.LIBRARY = build.build("fault-injection")
    config = RelayConfig(KEY, SECRET, ("127.0.0.1",), Path("/dev/null"), bind="127.0.0.1", plane="native")
    run_relay(
        config, OpenPortal(), host="127.0.0.1", port=0, say=lambda line: say("ready"), accompany=provoked
    )
    say("stopped")
