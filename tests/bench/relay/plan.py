"""What is measured, which part of it was asked for, and each run told as it comes."""

import os
import subprocess
from collections.abc import Callable, Sequence
from typing import Any, Final

from tests.bench.relay import servers
from tests.bench.relay.cast import Room

SCENARIOS: Final = {"1 → 40": Room(1, 40), "10 × 9": Room(10, 0), "3 of 100": Room(3, 97)}
Runs = list[dict[str, Any]]
_TOLD: Final = ("round", "path", "scenario", "server", "cpu_us", "delivered", "latency_p99_ms")


def chosen(variable: str, offered: Sequence[str], divider: str = ";") -> Sequence[str]:
    """What an environment variable names, in that order; all that is offered where it is unset."""
    told = [part.strip() for part in os.environ.get(variable, "").split(divider)]
    return [part for part in told if part] or offered


def rounds(usual: int) -> int:
    return int(os.environ.get("ROUNDS") or usual)


class Diary:
    """Every run is added to `runs` and told at once. What a server does not offer is said once."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self.failed: list[str] = []
        self.servers = list(chosen("SERVERS", servers.NAMES))

    def add(self, part: str, server: str, run: Callable[[], dict[str, Any]]) -> None:
        try:
            made = {"part": part, "server": server, **run()}
        except servers.NotOffered as reason:
            print(f"{server} is left out: {reason}", flush=True)
            self.servers.remove(server)
            return
        except subprocess.SubprocessError as error:
            self.failed.append(f"{part}, {server}: {error}")
            print(f"{server}: this run failed, see above", flush=True)
            return
        self.runs.append(made)
        told = [made[name] for name in _TOLD if name in made]
        print(*(f"{each:.3f}" if isinstance(each, float) else each for each in told), flush=True)
