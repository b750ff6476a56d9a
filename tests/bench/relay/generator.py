"""The load generator's process: reads one task as JSON from standard input, answers with one line of JSON.

``{"server": {"kind", "url"}, "own", "pid", "rooms": [[publishers, subscribers], …], "warm", "seconds",
"speeds": […], "core", "woken",
"transport_cc"}``; with "memory": how much each further publisher and subscriber takes.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import uvloop

from tests.bench.relay import analysis
from tests.bench.relay.cast import Cast, Room, Server, server
from tests.bench.relay.load import Load
from tests.bench.relay.process import resident

PAIR = Room(1, 1)
MORE_PUBLISHERS, MORE_SUBSCRIBERS = 20, 40


async def main(task: Mapping[str, Any]) -> dict[str, Any]:
    way = server(task["server"], task["own"])
    try:
        return await (_memory(way, task) if task.get("memory") else _load(way, task))
    finally:
        await way.close()


async def _load(way: Server, task: Mapping[str, Any]) -> dict[str, Any]:
    cast = Cast(task["transport_cc"])
    for publishers, subscribers in task["rooms"]:
        await way.fill(cast, Room(publishers, subscribers))
    load = Load(cast, task["pid"], speed=task["speeds"][0], woken=task["woken"])
    load.start()
    await load.play(task["warm"])
    load.heard.learning = False
    ends = []
    for load.speed in task["speeds"]:
        await load.play(0.3)
        ends.append((load.speed, await load.window(task["seconds"]), load.behind))
    sessions = {number: line.inbound for line, number in load.peers.items()}
    found = analysis.proof(load, sessions)
    by_peer = analysis.arrivals(load.heard, found)
    windows = []
    for load.speed, window, load.behind in ends:
        windows.append(analysis.figures(load, by_peer, window))
    return {
        "windows": windows,
        "decrypted": found.whole,
        "wrong": found.wrong,
        "keyframes_asked": sum(each.keyframes_asked for each in cast.publishers),
        "ciphers": sorted({line.cipher for line in load.peers}),
    }


async def _memory(way: Server, task: Mapping[str, Any]) -> dict[str, Any]:
    """Readings after two pairs have warmed everything up, then with a big room more, then with many pairs.

    A publisher is counted with its room, and with a second's packets kept for whoever lost one.
    """
    cast, readings = Cast(task["transport_cc"]), []
    for rooms in ([PAIR] * 2, [Room(1, 1 + MORE_SUBSCRIBERS)], [PAIR] * MORE_PUBLISHERS):
        for room in rooms:
            await way.fill(cast, room)
        load = Load(cast, task["pid"])
        load.start()
        await load.play(2.5)
        readings.append(resident(task["pid"]))
        load.stop()
    base, crowd, pairs = readings
    pair = (pairs - crowd) / MORE_PUBLISHERS
    subscriber = (crowd - base - pair) / MORE_SUBSCRIBERS
    return {"resident": readings, "subscriber_bytes": subscriber, "publisher_bytes": pair - subscriber}


if __name__ == "__main__":
    told = json.loads(sys.stdin.readline())
    if told.get("core") is not None:
        os.sched_setaffinity(0, {told["core"]})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(main(told))))
