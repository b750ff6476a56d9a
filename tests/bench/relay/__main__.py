"""`make bench-relay`. Shorter with QUICK=1. To take a part, name it in SERVERS, SCENARIOS, PATHS or PARTS, divided
by commas, and ROUNDS; CONTINUE=1 adds to the runs in build/bench/relay.json instead of beginning anew."""

import json
import os
from collections.abc import Callable, Sequence
from typing import Any, Final

from tests.bench import report
from tests.bench.relay import media, paths, runs, servers, summary
from tests.bench.relay.cast import Room

SCENARIOS: Final = {"1 → 40": Room(1, 40), "10 × 9": Room(10, 0), "3 of 100": Room(3, 97)}
PARTS: Final = ("cost", "memory", "ramp")
RAMP: Final = (1.0, 1.4, 2.0, 2.8, 4.0, 5.0, 6.0, 7.0, 8.0)  # times what ten people send to each other

Runs = list[dict[str, Any]]


def main() -> None:
    paths.enter_namespace()
    media.load()
    done = _before()
    with paths.far() as far:
        bench = Bench(far, done)
        for part in _chosen("PARTS", PARTS):
            {"cost": bench.cost, "memory": bench.memory, "ramp": bench.ramp}[part]()
    _report(done)


class Bench:
    """Every run is added to *done* and told at once. What a server does not offer is said once."""

    def __init__(self, far: paths.Far, done: Runs) -> None:
        self._far, self._done = far, done
        self._servers = list(_chosen("SERVERS", servers.NAMES))

    def cost(self) -> None:
        """Interleaved: a noisy minute is noisy for all servers."""
        quick = report.quick()
        seconds = 2.0 if quick else 4.0
        named = _chosen("PATHS", paths.NAMES[:1] if quick else paths.NAMES)
        first = 1 + max((run.get("round", 0) for run in self._done), default=0)
        for number in range(first, first + int(os.environ.get("ROUNDS") or (1 if quick else 3))):
            for path in named:
                for scenario in _chosen("SCENARIOS", tuple(SCENARIOS)):
                    for server in list(self._servers):
                        self._one(number, path, scenario, server, seconds)

    def _one(self, number: int, path: str, scenario: str, server: str, seconds: float) -> None:
        def run() -> dict[str, Any]:
            rooms = [SCENARIOS[scenario]]
            told = runs.measure(self._far, path, server, rooms, seconds=seconds, speeds=(1.0,))
            (window,) = told.pop("windows")
            return {**told, **window, "round": number, "path": path, "scenario": scenario}

        self._try("cost", server, run)

    def memory(self) -> None:
        for server in list(self._servers):
            self._try("memory", server, lambda name=server: runs.memory(self._far, name))  # type: ignore[misc]

    def ramp(self) -> None:
        for server in list(self._servers):
            self._try("ramp", server, lambda name=server: self._ramp(name))  # type: ignore[misc]

    def _ramp(self, server: str) -> dict[str, Any]:
        speeds = RAMP[::2] if report.quick() else RAMP
        room = SCENARIOS["10 × 9"]
        return runs.measure(self._far, "loopback", server, [room], seconds=1.5, speeds=speeds)

    def _try(self, part: str, server: str, run: Callable[[], dict[str, Any]]) -> None:
        try:
            made = {"part": part, "server": server, **run()}
        except servers.NotOffered as reason:
            print(f"{server} is left out: {reason}", flush=True)
            self._servers.remove(server)
            return
        self._done.append(made)
        shown = ("round", "path", "scenario", "server", "cpu_us", "delivered", "latency_p99_ms")
        print(*(f"{made[name]:.3f}" if isinstance(made[name], float) else made[name] for name in shown if name in made), flush=True)


def _chosen(variable: str, offered: Sequence[str]) -> Sequence[str]:
    told = [part.strip() for part in os.environ.get(variable, "").split("|" if variable == "PATHS" else ",")]
    return [part for part in told if part] or offered


def _before() -> Runs:
    path = report.OUT / "relay.json"
    if os.environ.get("CONTINUE") != "1" or not path.exists():
        return []
    return list(json.loads(path.read_text())["runs"])


def _report(done: Runs) -> None:
    cost = [run for run in done if run["part"] == "cost"]
    told: dict[str, Any] = {
        "native_over_janus": summary.over_janus(cost, "native+gso"),
        "native_over_janus_without_gso": summary.over_janus(cost, "native"),
        "portable_over_janus": summary.over_janus(cost, "portable"),
        "marked": [f"{run['path']}, {run['scenario']}, {run['server']}" for run in cost if not summary.sound(run)],
        "cores": {"server": runs.SERVER_CORE, "generator": runs.GENERATOR_CORE},
        "janus": servers.janus_version(),
    }
    if cost:
        print(summary.table(cost))
    told |= {"memory": _memory(done), "loss_begins": _loss(done)}
    print(json.dumps(told, indent=1, ensure_ascii=False))
    print(report.write("relay", runs=done, summary=told))


def _memory(done: Runs) -> dict[str, Any]:
    return {
        run["server"]: {
            "publisher_kb": round(run["publisher_bytes"] / 1000),
            "subscriber_kb": round(run["subscriber_bytes"] / 1000),
        }
        for run in done
        if run["part"] == "memory"
    }


def _loss(done: Runs) -> dict[str, Any]:
    return {run["server"]: summary.loss_begins(run["windows"]) for run in done if run["part"] == "ramp"}


if __name__ == "__main__":
    main()
