"""Two hundred people join one portal within ten seconds, while others are in a call that must not notice."""

import asyncio
import statistics
import time
from collections.abc import Callable

import pytest
from livekit import rtc

from tests.e2e.portal import Portal
from tests.meetings.relay.test_sdk_call import Person, until
from tests.peers.invite import Guests, invite
from tests.peers.storm import Arrival, storm

pytestmark = pytest.mark.media

PEOPLE, SECONDS, MEETINGS = 200, 10.0, 4
LONGEST_STILL = 2.0  # seconds without a new picture; a loaded test machine alone makes some tenths


class Watcher:
    """Looks, ten times a second, how far two people's pictures of each other have come."""

    def __init__(self, people: list[Person]) -> None:
        self._people = people
        self.longest = 0.0
        self.pictures = 0

    async def watch(self, over: asyncio.Event) -> None:
        began = time.monotonic()
        since, seen = [began] * len(self._people), [self._count(person) for person in self._people]
        while not over.is_set():
            await asyncio.sleep(0.1)
            now = time.monotonic()
            for number, person in enumerate(self._people):
                if (count := self._count(person)) > seen[number]:
                    self.pictures += count - seen[number]
                    since[number], seen[number] = now, count
                self.longest = max(self.longest, now - since[number])

    def _count(self, person: Person) -> int:
        return sum(person.frames.values())


async def test_two_hundred_people_join_in_ten_seconds_and_a_call_goes_on(
    portal: Portal, record_property: Callable[[str, object], None]
) -> None:
    guests = await asyncio.to_thread(invite, portal.environment, MEETINGS + 1, PEOPLE // MEETINGS)
    url = portal.url.replace("localhost", "127.0.0.1")
    callers = [await _call(url, guests, number) for number in range(2)]
    for person in callers:
        await until(lambda person=person: sum(person.frames.values()) > 5, 30)
    watcher, over = Watcher(callers), asyncio.Event()
    watching = asyncio.create_task(watcher.watch(over))
    crowd = [guest for pair in zip(*guests.meetings[1:], strict=True) for guest in pair]
    arrivals = await storm(url, guests, crowd, SECONDS)
    over.set()
    await watching
    for person in callers:
        await person.leave()
    record_property("figure", figures(arrivals, watcher))
    assert [arrival.problem for arrival in arrivals if arrival.problem] == []
    assert len(arrivals) == PEOPLE
    assert watcher.longest < LONGEST_STILL


async def _call(url: str, guests: Guests, number: int) -> Person:
    person = Person()
    await person.room.connect(url.replace("http", "ws"), guests.token(guests.meetings[0][number]))
    assert person.room.connection_state == rtc.ConnectionState.CONN_CONNECTED
    await person.publish()
    return person


def figures(arrivals: list[Arrival], watcher: Watcher) -> str:
    def told(times: list[float]) -> str:
        ninety_fifth = statistics.quantiles(times, n=20)[-1]
        return f"median {statistics.median(times) * 1000:.0f}, p95 {ninety_fifth * 1000:.0f} ms"

    joins, answers = [a.join for a in arrivals if a.join], [a.answer for a in arrivals if a.answer]
    return (
        f"join storm, {len(arrivals)} people in {SECONDS:.0f} s: join answer {told(joins)}, "
        f"answer to the offer {told(answers)}; the other call's longest still {watcher.longest:.1f} s"
    )
