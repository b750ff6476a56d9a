"""Two relays behind one address. One is killed: its people meet again on the other within seconds, in the
same meeting, and the other's people notice nothing."""

import asyncio
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.portal import production_like_portal
from tests.e2e.processes import several_relays
from tests.e2e.test_relay_killed import Call, told, until

pytestmark = pytest.mark.media

BACK_WITHIN = 5.0
# Two seconds without a heartbeat, and one in which it does not answer, come before.
HUNG_BACK_WITHIN = 10.0
# Between two moments at which somebody who talks without end is heard: pauses between words, a busy machine.
LONGEST_GAP = 1.5


@pytest.mark.parametrize("machine", ["here", pytest.param("elsewhere", marks=pytest.mark.long)])
async def test_a_killed_relays_people_meet_again_on_the_other(
    tmp_path: Path, machine: str, record_property: Callable[[str, object], None]
) -> None:
    with several_relays(tmp_path / "data") as (portal, relays):
        if machine == "elsewhere":
            _forget_processes(portal.data)
        struck = await Call.held(portal, tmp_path)
        spared = await Call.held(portal, tmp_path)
        victim, other = sorted(relays, key=lambda relay: not struck.is_on(relay))
        assert struck.is_on(victim)
        assert spared.is_on(other)
        killed = await asyncio.to_thread(victim.kill)
        back = await struck.met_again() - killed
        await asyncio.sleep(2)
        listed = (await told(portal, "relays"))["relays"]
        noticed = [event for person in spared.people for event in person.events]
        for call in (struck, spared):
            await call.leave()
        gap = max(max(b - a for a, b in pairwise(heard.heard_at)) for heard in spared.people)
        record_property(
            "figure",
            f"one relay of two killed ({machine}): all back in the same meeting after {back:.1f} s; "
            f"the other's people heard each other with gaps of at most {gap:.2f} s",
        )
        assert struck.is_on(other)
        assert [(relay["rooms"], relay["participants"]) for relay in listed] == [(2, 4)]
        assert noticed == []
        assert back < BACK_WITHIN
        assert gap < LONGEST_GAP


@pytest.mark.long
async def test_a_relay_that_is_told_to_stop_gives_its_people_to_the_other(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with several_relays(tmp_path / "data") as (portal, relays):
        call = await Call.held(portal, tmp_path)
        leaving, other = sorted(relays, key=lambda relay: not call.is_on(relay))
        told_at = time.time()
        stopping = asyncio.create_task(asyncio.to_thread(leaving.stop))
        back = await call.met_again() - told_at
        await stopping
        await call.leave()
        record_property(
            "figure", f"one relay of two told to stop: all back in the meeting after {back:.1f} s"
        )
        assert call.is_on(other)
        assert back < BACK_WITHIN


@pytest.mark.long
async def test_while_the_database_is_away_calls_go_on_and_no_relay_is_given_up(tmp_path: Path) -> None:
    """No heart is heard for longer than a relay may be silent; but the relays answer."""
    with production_like_portal(tmp_path / "data") as portal:
        assert portal.postgresql is not None
        call = await Call.held(portal, tmp_path)
        before = await told(portal, "relays")
        await asyncio.to_thread(portal.postgresql.stop, signal.SIGQUIT)
        try:
            await asyncio.sleep(6)
        finally:
            await asyncio.to_thread(portal.postgresql.start)
            await asyncio.to_thread(portal.postgresql.wait)
        back = time.time()
        await asyncio.sleep(12)  # the sweeper has looked, too
        after = await told(portal, "relays")
        events = [event for person in call.people for event in person.events]
        await call.leave()
        assert events == []
        assert all(person.heard_after(back + 11) for person in call.people)
        assert [relay["id"] for relay in after["relays"]] == [relay["id"] for relay in before["relays"]]
        assert sum(relay["participants"] for relay in after["relays"]) == 2


@pytest.mark.long
async def test_a_hung_relays_people_meet_again_on_the_other_and_it_does_not_take_them_back(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Stopped, not dead: its connections stay open, and when it goes on it believes to have the room."""
    with several_relays(tmp_path / "data") as (portal, relays):
        call = await Call.held(portal, tmp_path)
        victim, other = sorted(relays, key=lambda relay: not call.is_on(relay))
        hung = victim.send(signal.SIGSTOP)
        try:
            back = await call.met_again() - hung
        finally:
            awake = victim.send(signal.SIGCONT)
        await until(lambda: any("is left to another relay" in line for line in victim.log), 10, "it leaves")
        left = time.time() - awake
        await asyncio.sleep(3)
        reconnected = [len(person.reconnected_at) for person in call.people]
        heard = [person.heard_after(awake + 3) for person in call.people]
        await call.leave()
        record_property(
            "figure",
            f"one relay of two hung: all back in the same meeting after {back:.1f} s; "
            f"awake again, it left the room within {left:.2f} s",
        )
        assert call.is_on(other)
        assert reconnected == [1, 1]
        assert all(heard)
        assert back < HUNG_BACK_WITHIN


def _forget_processes(data: Path) -> None:
    """Whether a process of another machine has ended cannot be seen: its heartbeat must be missed."""
    with closing(sqlite3.connect(data / "visio.sqlite3")) as database, database:
        database.execute("UPDATE meetings_relay SET process = ''")
