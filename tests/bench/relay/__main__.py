"""`make bench-relay`. Shorter with QUICK=1.

To take a part, name it in SERVERS, SCENARIOS, PATHS or PARTS, divided by semicolons, and ROUNDS; CONTINUE=1
adds to the runs in build/bench/relay.json instead of beginning anew. RECEIVERS=woken: see load.py.
"""

import json
import os
from functools import partial
from typing import Any, Final

from tests.bench import report
from tests.bench.relay import media, paths, runs, servers, summary
from tests.bench.relay.plan import SCENARIOS, Diary, Runs, chosen, rounds

PARTS: Final = ("cost", "memory", "ramp")
RAMP: Final = (
    1.0,
    1.4,
    2.0,
    2.8,
    4.0,
    5.0,
    6.0,
    7.0,
    8.0,
    10.0,
    12.0,
)  # times what ten people send to each other


def main() -> None:
    paths.enter_namespace()
    media.load()
    diary = Diary(_before())
    with paths.far() as far:
        for part in chosen("PARTS", PARTS):
            {"cost": cost, "memory": memory, "ramp": ramp}[part](far, diary)
    _report(diary.runs, diary.failed)


def cost(far: paths.Far, diary: Diary) -> None:
    """Interleaved: a noisy minute is noisy for all servers."""
    quick = report.quick()
    first = 1 + max((run.get("round", 0) for run in diary.runs), default=0)
    for number in range(first, first + rounds(1 if quick else 3)):
        for path in chosen("PATHS", paths.NAMES[:1] if quick else paths.NAMES):
            for scenario in chosen("SCENARIOS", tuple(SCENARIOS)):
                for server in list(diary.servers):
                    diary.add("cost", server, partial(_cost, far, number, path, scenario, server))


def _cost(far: paths.Far, number: int, path: str, scenario: str, server: str) -> dict[str, Any]:
    seconds = 2.0 if report.quick() else 4.0
    told = runs.measure(far, path, server, [SCENARIOS[scenario]], seconds=seconds, speeds=(1.0,))
    (window,) = told.pop("windows")
    return {**told, **window, "round": number, "path": path, "scenario": scenario}


def memory(far: paths.Far, diary: Diary) -> None:
    for server in list(diary.servers):
        diary.add("memory", server, partial(runs.memory, far, server))


def ramp(far: paths.Far, diary: Diary) -> None:
    speeds, room = RAMP[::2] if report.quick() else RAMP, SCENARIOS["10 × 9"]
    for server in list(diary.servers):
        measure = partial(runs.measure, far, "loopback", server, [room], seconds=1.5, speeds=speeds)
        diary.add("ramp", server, measure)


def _before() -> Runs:
    path = report.OUT / "relay.json"
    if os.environ.get("CONTINUE") != "1" or not path.exists():
        return []
    return list(json.loads(path.read_text())["runs"])


def _report(done: Runs, failed: list[str]) -> None:
    costs = [run for run in done if run["part"] == "cost"]
    if costs:
        print(summary.table(costs))
    told: dict[str, Any] = {
        "native_over_janus": summary.over_janus(costs, "native+gso"),
        "native_over_janus_without_gso": summary.over_janus(costs, "native"),
        "portable_over_janus": summary.over_janus(costs, "portable"),
        "marked": summary.marked(costs),
        "failed": failed,
        "memory": summary.memory([run for run in done if run["part"] == "memory"]),
        "loss_begins": {
            run["server"]: summary.loss_begins(run["windows"]) for run in done if run["part"] == "ramp"
        },
        "cores": {"server": runs.SERVER_CORE, "generator": runs.GENERATOR_CORE},
        "janus": servers.janus_version(),
    }
    print(json.dumps(told, indent=1, ensure_ascii=False))
    print(report.write("relay", runs=done, summary=told))


if __name__ == "__main__":
    main()
