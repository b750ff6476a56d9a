"""Whatever Python does in the relay's process, the native plane goes on forwarding."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import aiohttp
import numpy as np
import pytest

from tests.bench.relay.cast import Cast, Room
from tests.bench.relay.ears import HEADER, STAMP
from tests.bench.relay.livekit import LiveKit
from tests.bench.relay.load import Load
from tests.peers.descriptions import AUDIO, VIDEO

ADDRESS = "10.77.0.1"
GAP = 0.05  # seconds
pytestmark = pytest.mark.media


@asynccontextmanager
async def held_relay(plane: str) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.meetings.relay.held_process", plane, ADDRESS),
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
        holding = asyncio.create_task(_stood_still(http, url))
        while not holding.done():
            await load.play(0.1)
        await load.play(0.5)
        load.stop()
        await way.close()
    arrived = [_times(load, watcher.line) for watcher in cast.watchers]
    sent = sorted(time for kind in cast.publishers[0].sent for time in kind)
    return await holding, max(_longest(times) for times in arrived), _longest(sent)


async def _stood_still(http: aiohttp.ClientSession, url: str) -> float:
    async with http.get(f"{url}/hold") as answer:
        return float(await answer.json())


def _times(load: Load, line: Any) -> list[int]:
    """When media came, in ns, from half a second after the load began."""
    headers, stamps = (b"".join(kept) for kept in load.heard.heard[load.peers[line]])
    kinds = np.frombuffer(headers, np.uint8).reshape(-1, HEADER)[:, 1] & 0x7F
    fields = np.frombuffer(stamps, np.int64).reshape(-1, STAMP // 8)[np.isin(kinds, (VIDEO, AUDIO))]
    times = fields[:, 2] * 1_000_000_000 + fields[:, 3]
    return [int(time) for time in times if time > times[0] + 500_000_000]


def _longest(times: list[int]) -> float:
    return max(later - earlier for earlier, later in pairwise(times)) / 1e9


async def test_media_go_on_while_a_thread_holds_the_gil():
    held, gap, own = await gaps_while_held("native")
    assert held > 1.9
    assert gap <= max(GAP, own + GAP / 2), f"{gap:.3f} s without a packet; the publisher paused {own:.3f} s"


async def test_the_portable_plane_stands_still_with_python():
    """So the test above measures what it should."""
    held, gap, _ = await gaps_while_held("portable")
    assert held > 1.9
    assert gap > 1.5
