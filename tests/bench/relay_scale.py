"""Whether a packet's cost stays what it is as rooms and people become more: `make bench-relay-scale`.

Rooms of ten in which everybody publishes, and one room in which three publish and the others are silent. Flat
means: each size's cost is within 15 % of the smallest's (medians of interleaved rounds).
"""

import json
import statistics
from functools import partial
from typing import Any, Final

from tests.bench import report
from tests.bench.relay import media, paths, runs
from tests.bench.relay.cast import Room
from tests.bench.relay.plan import Diary, chosen, rounds
from tests.bench.relay.summary import sound

FLAT: Final = 0.15
SERIES: Final = {
    "rooms of ten": {f"{count} × 10": [Room(10, 0)] * count for count in (1, 2, 3)},
    "people who listen": {f"3 of {people}": [Room(3, people - 3)] for people in (25, 50, 100)},
}


def main() -> None:
    paths.enter_namespace()
    media.load()
    diary = Diary([])
    with paths.far() as far:
        for number in range(rounds(1 if report.quick() else 3)):
            for series, sizes in SERIES.items():
                for size, rooms in sizes.items():
                    for server in list(diary.servers):
                        diary.add(series, server, partial(_one, far, number, server, size, rooms))
    rows, told = [], {}
    for server in chosen("SERVERS", diary.servers):
        for series, sizes in SERIES.items():
            mine = [run for run in diary.runs if run["server"] == server and run["part"] == series]
            if mine:
                verdict = flatness(mine, list(sizes))
                told[f"{server}, {series}"] = verdict
                rows.append((server, series, *verdict["cpu_us"].values(), "yes" if verdict["flat"] else "no"))
    print(
        report.table(
            "CPU µs per packet at three sizes", ("server", "series", "S", "M", "L", "flat ±15 %"), rows
        )
    )
    print(json.dumps(told, indent=1, ensure_ascii=False))
    print(report.write("relay_scale", runs=diary.runs, summary=told))


def _one(far: paths.Far, number: int, server: str, size: str, rooms: list[Room]) -> dict[str, Any]:
    seconds = 2.0 if report.quick() else 4.0
    told = runs.measure(far, "loopback", server, rooms, seconds=seconds, speeds=(1.0,))
    (window,) = told.pop("windows")
    return {**told, **window, "round": number, "scenario": size}


def flatness(mine: list[dict[str, Any]], sizes: list[str]) -> dict[str, Any]:
    """Medians by size, each over the smallest size's, and which sizes had runs that lost packets."""
    costs = {
        size: statistics.median(run["cpu_us"] for run in mine if run["scenario"] == size) for size in sizes
    }
    ratios = {size: cost / costs[sizes[0]] for size, cost in costs.items()}
    return {
        "cpu_us": {size: round(cost, 2) for size, cost in costs.items()},
        "ratios": {size: round(ratio, 3) for size, ratio in ratios.items()},
        "marked": sorted({run["scenario"] for run in mine if not sound(run)}),
        "flat": all(abs(ratio - 1) <= FLAT for ratio in ratios.values()),
    }


if __name__ == "__main__":
    main()
