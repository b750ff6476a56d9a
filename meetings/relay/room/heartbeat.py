"""What happens in a room by time."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from meetings.relay.interface import Clock
from meetings.relay.participant import Participant
from meetings.relay.recorder import Recorder
from meetings.relay.room.announcer import Announcer
from meetings.relay.room.dynacast import settle_layers
from meetings.relay.room.staleness import BROKEN, Verdict, stale
from meetings.relay.uptrack import UpTrack

log = logging.getLogger("visio.relay")

TICK: Final = 0.05
# Most people of a big room only listen: they need no look at every tick.
CALM: Final = 0.2
SPEAKERS: Final = 0.3
SECOND: Final = 1.0
QUALITY: Final = 5.0


class Heartbeat:
    """The timer of one room. `run` has one owner, the registry; `tick` is there for tests, too.

    `remove(person, verdict)` ends somebody who is gone, `tell(person)` catches up on updates held back.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        people: Mapping[str, Participant],
        tracks: Callable[[], Iterable[UpTrack]],
        recorder: Recorder,
        announcer: Announcer,
        remove: Callable[[Participant, Verdict], None],
        tell: Callable[[Participant], None],
    ) -> None:
        self._name, self._clock, self._people, self._tracks = name, clock, people, tracks
        self._recorder, self._announcer = recorder, announcer
        self._remove, self._tell = remove, tell
        self._due = dict.fromkeys((CALM, SPEAKERS, SECOND, QUALITY), clock.monotonic())

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(TICK)
            try:
                self.tick(self._clock.monotonic())
            except Exception:
                log.exception("room %s: a tick failed", self._name)

    def tick(self, now: float) -> None:
        everybody = self._is_due(CALM, now)
        for person in tuple(self._people.values()):
            if everybody or person.restless or person.update_due:
                self._tick(person, now)
        people = self._people.values()
        if self._is_due(SPEAKERS, now):
            self._announcer.speakers(people, now)
        if self._is_due(SECOND, now):
            self._recorder.tick(now)
            for person in tuple(people):
                verdict = stale(person, now)
                if verdict is not None:
                    self._remove(person, verdict)
            for track in tuple(self._tracks()):
                settle_layers(track, self._people, self._recorder, raise_only=False)
        if self._is_due(QUALITY, now):
            self._announcer.qualities(people)

    def _tick(self, person: Participant, now: float) -> None:
        """One person's trouble is nobody else's: they connect anew, the others do not notice."""
        try:
            person.tick(now)
            if person.update_due and person.updates.take(now):
                self._tell(person)
        except Exception:
            log.exception("room %s: %s cannot go on", self._name, person.identity)
            self._remove(person, BROKEN)

    def _is_due(self, interval: float, now: float) -> bool:
        if now - self._due[interval] < interval:
            return False
        self._due[interval] = now
        return True
