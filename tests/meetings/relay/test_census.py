"""What an operator is told on SIGUSR1: everything that is alive, and nothing once everybody has gone."""

import asyncio
import json
import os
import signal

import pytest

from meetings.management.census import census_on_signal
from meetings.relay.server import process_census

from .stage import Stage


async def test_the_census_counts_people_and_what_they_leave_is_nothing(stage: Stage) -> None:
    empty = stage.relay.census()
    assert set(empty.values()) == {0}
    ann = await stage.enter("ann")
    assert {name: stage.relay.census()[name] for name in ("rooms", "participants", "transports")} == {
        "rooms": 1,
        "participants": 1,
        "transports": 1,
    }
    await ann.say(leave={})
    async with asyncio.timeout(5):
        while stage.relay.census() != empty:
            await asyncio.sleep(0.05)


async def test_the_process_counts_its_tasks_and_descriptors() -> None:
    before = process_census()
    waiting = asyncio.create_task(asyncio.sleep(5))
    handle = os.open(os.devnull, os.O_RDONLY)
    after = process_census()
    os.close(handle)
    waiting.cancel()
    assert after["tasks"] == before["tasks"] + 1
    assert after["descriptors"] == before["descriptors"] + 1
    assert after["resident_kib"] > 10_000


async def test_a_signal_logs_one_line_of_json(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "visio.census")
    before = signal.getsignal(signal.SIGUSR1)
    census_on_signal(asyncio.get_running_loop(), lambda: stage.relay)
    try:
        await stage.enter("ann")
        os.kill(os.getpid(), signal.SIGUSR1)
        async with asyncio.timeout(5):
            while "census" not in caplog.text:
                await asyncio.sleep(0.02)
    finally:
        signal.signal(signal.SIGUSR1, before)
    told = json.loads(caplog.messages[-1].removeprefix("census "))
    assert told["alive"]["participants"] == 1
    assert "stun_refused" in told["counters"]
