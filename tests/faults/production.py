"""Visio as in production, to be killed one process at a time: PostgreSQL, Redis, relay, worker; or all."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.faults.eye import until
from tests.faults.server import Server
from visio_portal import throwaway

VICTIMS: Final = ("worker", "postgresql", "redis", "relay", "everything")
"""Those that are started again by themselves or by an init system; the pages' end is everything's."""


class Production(Server):
    """`make run-production-like` on databases that outlive it. `victim` is whom `kill` kills."""

    ground = "production-like"

    def __init__(
        self, data: Path, port: int, *, postgresql: throwaway.Server, redis: throwaway.Server
    ) -> None:
        self._databases = {"postgresql": postgresql, "redis": redis}
        self.variables: Mapping[str, str] = {
            "DATABASE_URL": postgresql.url,
            "REDIS_URL": redis.url,
            "VISIO_RELAY_URL": "registered",
            "RELAYS": "1",
        }
        super().__init__(data, port, program=("-m", "visio_portal.production_like"), variables=self.variables)
        self.victim = VICTIMS[0]
        self._killed = "everything"

    @property
    def blinds(self) -> bool:
        """Whether the kill takes the database away from whoever looks."""
        return self.victim == "postgresql"

    def choose(self, seed: int) -> str:
        self.victim = VICTIMS[seed % len(VICTIMS)]
        return self.victim

    def start(self) -> None:
        """What was killed runs again."""
        match self._killed:
            case "everything":
                super().start()
            case "worker" | "relay":
                self._wait_for_child(self._killed)
            case database:
                started = until(lambda: _starts(self._databases[database]), 60.0, every=0.3)
                assert started, f"{database} was not started again"
        self._killed = "everything"

    def kill(self) -> float:
        self._killed, self.victim = self.victim, "everything"
        if self._killed == "everything":
            return super().kill()
        if self._killed in self._databases:
            self._databases[self._killed].stop(signal.SIGKILL)
            return time.time()
        self._before = len(self._starts(self._killed))
        with suppress(ProcessLookupError):
            os.kill(int(self._starts(self._killed)[-1]), signal.SIGKILL)
        return time.time()

    def stop(self) -> float:
        self._killed = "everything"
        return super().stop()

    def _starts(self, name: str) -> list[str]:
        """Process numbers, as the supervisor told them."""
        said = f"The {name} runs as process "
        return [line.partition(said)[2].rstrip(".") for line in self.log if said in line]

    def _wait_for_child(self, name: str) -> None:
        back = until(lambda: len(self._starts(name)) > self._before, 30.0, every=0.05)
        assert back, f"the {name} was not started again"


def _starts(database: throwaway.Server) -> bool:
    """Not while processes of the killed one still hold on to what is shared."""
    database.start()
    try:
        database.wait()
    except throwaway.CannotStart:
        database.process = None
        return False
    return True
