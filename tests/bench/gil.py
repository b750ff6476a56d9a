"""What becomes of media while a thread of the relay's process holds the GIL for 2 s: `make bench-gil`.

The longest gap at three subscribers, beside the publisher's own longest pause, on both data planes in turn.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any, Final

import aiohttp
import numpy as np

from tests.bench import report
from tests.bench.relay import paths
from tests.bench.relay.cast import Cast, Room
from tests.bench.relay.ears import HEADER, STAMP
from tests.bench.relay.livekit import LiveKit
from tests.bench.relay.load import Load
from tests.peers.descriptions import AUDIO, VIDEO

ADDRESS: Final = "10.77.0.1"


@asynccontextmanager
async def held_relay(plane: str) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.held_process", plane, ADDRESS),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        assert await process.wait() == 0


async def gaps_while_held(plane: str) -> tuple[float, float, float]:
    """In seconds: how long Python stood still, the longest gap at a subscriber, and the publisher's own."""
    async with held_relay(plane) as url, aiohttp.ClientSession() as http:
        way, cast = LiveKit(url, ADDRESS), Cast(transport_cc=True)
        await way.fill(cast, Room(1, 3))
        load = Load(cast, pid=0)
        load.start()
        await load.play(1.0)
        await _until_heard(load, cast)
        holding = asyncio.create_task(_stood_still(http, url))
        while not holding.done():
            await load.play(0.1)
        await load.play(0.5)
        load.stop()
        await way.close()
    arrived = [_times(load, watcher.line) for watcher in cast.watchers]
    sent = sorted(time for kind in cast.publishers[0].sent for time in kind)
    return await holding, max(_longest(times) for times in arrived), _longest(sent)


async def _until_heard(load: Load, cast: Cast) -> None:
    """A machine that is busy needs more than a second until media flow."""
    async with asyncio.timeout(20):
        while not all(load.heard.heard[load.peers[watcher.line]][0] for watcher in cast.watchers):
            await load.play(0.2)


async def _stood_still(http: aiohttp.ClientSession, url: str) -> float:
    async with http.get(f"{url}/hold") as answer:
        return float(await answer.json())


def _times(load: Load, line: Any) -> list[int]:
    """When media came, in ns, from a moment after the first."""
    headers, stamps = (b"".join(kept) for kept in load.heard.heard[load.peers[line]])
    kinds = np.frombuffer(headers, np.uint8).reshape(-1, HEADER)[:, 1] & 0x7F
    fields = np.frombuffer(stamps, np.int64).reshape(-1, STAMP // 8)[np.isin(kinds, (VIDEO, AUDIO))]
    times = fields[:, 2] * 1_000_000_000 + fields[:, 3]
    return [int(time) for time in times if time > times[0] + 200_000_000]


def _longest(times: list[int]) -> float:
    return max(later - earlier for earlier, later in pairwise(times)) / 1e9


def main() -> None:
    runs: list[dict[str, Any]] = []
    for number in range(2 if report.quick() else 6):
        for plane in ("native", "portable") if number < 2 else ("native",):
            held, gap, own = asyncio.run(gaps_while_held(plane))
            runs.append({"run": number, "plane": plane, "held_s": held, "gap_s": gap, "publisher_s": own})
    rows, summary = [], {}
    for plane in ("native", "portable"):
        of = [run for run in runs if run["plane"] == plane]
        told = [[1000 * run[name] for run in of] for name in ("held_s", "gap_s", "publisher_s")]
        rows.append((plane, len(of), *map(report.spread, told)))
        summary[f"{plane}_longest_gap_ms"] = max(told[1])
    columns = ("plane", "runs", "Python stood still", "longest gap at a subscriber", "the publisher's own")
    print(report.table("While a thread holds the GIL, ms: median (least–most)", columns, rows))
    print(report.write("gil", runs=runs, summary=summary))


if __name__ == "__main__":
    paths.enter_namespace()
    main()
