"""Two relays behind one address. One is killed: its people meet again on the other within seconds, in the
same meeting, and the other's people notice nothing."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.processes import Process, several_relays
from tests.e2e.speaker import SdkPerson
from tests.e2e.test_relay_killed import Call, told, until

pytestmark = pytest.mark.media

BACK_WITHIN = 5.0
# Between two moments at which somebody who talks without end is heard: pauses between words, a busy machine.
LONGEST_GAP = 1.5


async def test_a_killed_relays_people_meet_again_on_the_other(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with several_relays(tmp_path / "data") as (portal, relays):
        struck = await Call.held(portal, tmp_path)
        spared = await Call.held(portal, tmp_path)
        victim, other = sorted(relays, key=lambda relay: not holds(relay, struck))
        assert holds(victim, struck)
        assert holds(other, spared)
        killed = await asyncio.to_thread(victim.kill)
        back = max([await back_again(person) for person in struck.people]) - killed
        await asyncio.sleep(2)
        listed = (await told(portal, "relays"))["relays"]
        noticed = [event for person in spared.people for event in person.events]
        for call in (struck, spared):
            await call.leave()
        gap = max(max(b - a for a, b in pairwise(heard.heard_at)) for heard in spared.people)
        record_property(
            "figure",
            f"one relay of two killed: all back in the same meeting after {back:.1f} s; "
            f"the other's people heard each other with gaps of at most {gap:.2f} s",
        )
        assert holds(other, struck)
        assert [(relay["rooms"], relay["participants"]) for relay in listed] == [(2, 4)]
        assert noticed == []
        assert back < BACK_WITHIN
        assert gap < LONGEST_GAP


async def back_again(person: SdkPerson) -> float:
    """When they heard the other again, once reconnected: before, it is what was on its way at the kill."""
    await until(lambda: person.reconnected_at, 40, f"they are back: {person.events}")
    moment = person.reconnected_at[-1]
    await until(lambda: person.heard_after(moment), 20, "they hear the other again")
    return person.heard_after(moment) or 0.0


def holds(relay: Process, call: Call) -> bool:
    """Whether the relay has had the call's room, by its log."""
    return any(f"room {call.room} started" in line for line in relay.log)
