"""A line for operators: what the process holds now, logged when it is sent SIGUSR1."""

import asyncio
import json
import logging
import signal
from collections.abc import Callable

from meetings.relay.server import Relay, process_census

log = logging.getLogger("visio.census")


def census_on_signal(loop: asyncio.AbstractEventLoop, relay: Callable[[], Relay | None]) -> None:
    """From now on SIGUSR1 logs one line of JSON: counts of what is alive, and what the relay has dropped.

    To be called from the main thread; the counting happens on *loop*.
    """

    def count() -> None:
        found = relay()
        alive = {**process_census(), **(found.census() if found else {})}
        log.info("census %s", json.dumps({"alive": alive, "counters": found.counters() if found else {}}))

    signal.signal(signal.SIGUSR1, lambda *_: loop.call_soon_threadsafe(count))
