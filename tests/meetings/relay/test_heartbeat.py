"""The timer of a room."""

from typing import Any

from meetings.relay.interface import SystemClock
from meetings.relay.room.announcer import Announcer
from meetings.relay.room.heartbeat import Heartbeat
from meetings.relay.room.staleness import BROKEN, Verdict
from meetings.relay.signalling import TokenBucket


class Person:
    update_due = True
    restless = False

    def __init__(self, identity: str, trouble: Exception | None = None) -> None:
        self.identity, self.trouble, self.ticks = identity, trouble, 0
        self.updates = TokenBucket(rate=1.0, burst=1, now=0.0)

    def tick(self, now: float) -> None:
        self.ticks += 1
        if self.trouble is not None:
            raise self.trouble


def test_one_persons_trouble_is_nobody_elses() -> None:
    """Regression: an error in one participant's timer ended the tick, and nobody after them got feedback."""
    people: dict[str, Any] = {"bad": Person("bad", ZeroDivisionError()), "good": Person("good")}
    removed: list[tuple[str, Verdict]] = []
    told: list[str] = []
    clock = SystemClock()
    recorder: Any = None  # not needed before a second has passed
    heartbeat = Heartbeat(
        *("r", clock, people, lambda: (), recorder, Announcer()),
        lambda person, verdict: removed.append((person.identity, verdict)),
        lambda person: told.append(person.identity),
    )
    heartbeat.tick(clock.monotonic())
    assert people["good"].ticks == 1
    assert (removed, told) == ([("bad", BROKEN)], ["good"])


def test_who_only_listens_is_looked_at_five_times_a_second() -> None:
    calm, restless = Person("calm"), Person("restless")
    calm.update_due = restless.update_due = False
    restless.restless = True
    people: dict[str, Any] = {"calm": calm, "restless": restless}
    clock = SystemClock()
    recorder: Any = None  # not needed before a second has passed
    heartbeat = Heartbeat(
        *("r", clock, people, lambda: (), recorder, Announcer()), lambda *gone: None, lambda person: None
    )
    now = clock.monotonic()
    for step in range(1, 13):
        heartbeat.tick(now + step / 16)
    assert (calm.ticks, restless.ticks) == (3, 12)
