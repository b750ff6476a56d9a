"""From runs to a table and to the few figures that are compared with goals."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tests.bench import report

Run = Mapping[str, Any]
DELIVERED: Final = (0.97, 1.03)  # outside: shown with a mark, and no part of a ratio
LOSS: Final = 0.995  # delivered: below, loss has begun
GENERATOR_LIMIT: Final = 0.9  # cores; above, what is measured may be the generator
_COLUMNS: Final = (
    *("path", "scenario", "server", "runs", "µs/packet", "÷ janus", "delivered"),
    *("packets/s", "cores", "p50 ms", "p99 ms"),
)


def sound(run: Run) -> bool:
    least, most = DELIVERED
    return least <= float(run["delivered"]) <= most


def table(runs: Sequence[Run]) -> str:
    """Medians (least–most) of all runs of a kind, marked where some delivered too little or too much."""
    rows = []
    for (path, scenario, server), mine in _groups(runs).items():
        ratio = _ratio(runs, path, scenario, server)
        odd = sum(not sound(run) for run in mine)
        rows.append(
            (
                *(path, scenario, server, f"{len(mine)}{f' (!{odd})' if odd else ''}"),
                report.spread([run["cpu_us"] for run in mine]),
                "–" if ratio is None else f"{ratio:.2f}",
                f"{_median(mine, 'delivered'):.3f}{' !' if odd else ''}",
                f"{_median(mine, 'packets_per_second'):.0f}",
                f"{_median(mine, 'cores'):.2f}",
                report.spread([run["latency_p50_ms"] for run in mine]),
                report.spread([run["latency_p99_ms"] for run in mine]),
            )
        )
    title = f"CPU µs per packet that arrived, median (least–most); !: delivered outside {DELIVERED}"
    return report.table(title, _COLUMNS, rows)


def _groups(runs: Iterable[Run]) -> dict[tuple[str, str, str], list[Run]]:
    found: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        found.setdefault((run["path"], run["scenario"], run["server"]), []).append(run)
    return dict(sorted(found.items()))


def _median(runs: Sequence[Run], name: str) -> float:
    return statistics.median(float(run[name]) for run in runs)


def _ratio(runs: Sequence[Run], path: str, scenario: str, server: str) -> float | None:
    """Of medians over sound runs."""
    costs = [
        [run["cpu_us"] for run in runs if _is(run, path, scenario, name) and sound(run)]
        for name in (server, "janus")
    ]
    if not all(costs):
        return None
    return statistics.median(costs[0]) / statistics.median(costs[1])


def _is(run: Run, path: str, scenario: str, server: str) -> bool:
    return (run["path"], run["scenario"], run["server"]) == (path, scenario, server)


def over_janus(runs: Sequence[Run], server: str) -> dict[str, Any] | None:
    """The worst scenario's ratio of medians, which it is, and how far single rounds' ratios go."""
    found: dict[float, tuple[str, str]] = {}
    for path, scenario, name in _groups(runs):
        ratio = _ratio(runs, path, scenario, server) if name == server else None
        if ratio is not None:
            found[ratio] = (path, scenario)
    if not found:
        return None
    worst = max(found)
    path, scenario = found[worst]
    rounds = [
        mine["cpu_us"] / other["cpu_us"]
        for mine in runs
        for other in runs
        if _is(mine, path, scenario, server)
        and _is(other, path, scenario, "janus")
        and mine["round"] == other["round"]
        and sound(mine)
        and sound(other)
    ]
    return {
        "ratio": round(worst, 3),
        "path": path,
        "scenario": scenario,
        "rounds": [round(each, 3) for each in sorted(rounds)],
        "all": {f"{where[0]}, {where[1]}": round(ratio, 3) for ratio, where in found.items()},
    }


def marked(runs: Sequence[Run]) -> list[str]:
    """Runs that delivered too little or too much, and runs in which the generator was the slower one."""
    odd = [run for run in runs if not sound(run) or run["generator_cores"] > GENERATOR_LIMIT]
    return [
        f"round {run['round']}, {run['path']}, {run['scenario']}, {run['server']}: "
        f"delivered {run['delivered']:.3f}, generator {run['generator_cores']:.2f} cores"
        for run in odd
    ]


def memory(runs: Sequence[Run]) -> dict[str, dict[str, float]]:
    """Medians in kB (1,000 bytes) by server."""
    found = {}
    for server in {run["server"] for run in runs}:
        mine = [run for run in runs if run["server"] == server]
        found[server] = {
            "publisher_kb": round(_median(mine, "publisher_bytes") / 1000),
            "subscriber_kb": round(_median(mine, "subscriber_bytes") / 1000),
        }
    return found


def loss_begins(windows: Sequence[Run]) -> dict[str, float | None]:
    """Packets per second at subscribers: the most before loss, and what arrived when it had begun."""
    good = None
    for window in windows:
        if window["delivered"] < LOSS:
            return {
                "without_loss": good,
                "with_loss": window["packets_per_second"],
                "delivered": window["delivered"],
            }
        good = window["packets_per_second"]
    return {"without_loss": good, "with_loss": None, "delivered": None}
