"""`kill -9` of the relay while a meeting is recorded: nothing said is lost, and everybody comes back."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.played import Played, played, recording_began, rows
from tests.e2e.portal import Portal
from tests.e2e.processes import Process, deployment, several_relays
from tests.e2e.speaker import SdkPerson
from tests.e2e.speech import speech_file

pytestmark = pytest.mark.media

SENTENCES = ["the first point on the agenda is the budget for next year"]
BACK_WITHIN = 5.0
LOST_AT_MOST = 1.0


async def told(portal: Portal, *arguments: str) -> Any:
    """A command's answer; the people of this process go on talking meanwhile."""
    return await asyncio.to_thread(portal.command, *arguments)


async def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.05)


@dataclass
class Call:
    """Two people who talk without end, the first with a camera, in a meeting that can be recorded."""

    portal: Portal
    code: str
    room: str
    host: str
    people: tuple[SdkPerson, SdkPerson]

    @classmethod
    async def held(cls, portal: Portal, folder: Path) -> "Call":
        laid = await asyncio.to_thread(portal.program, "tests.e2e.lay_call")
        room = laid["people"][0]["room"]
        call = cls(portal, laid["code"], room, laid["host"], (SdkPerson(), SdkPerson()))
        for person, voice, admission in zip(call.people, ("slt", "awb"), laid["people"], strict=True):
            wave = folder / f"{voice}.wav"
            speech_file(SENTENCES, voice, wave, lead=0.0, pause=0.1)
            await person.join(admission)
            await person.speak(wave)
        await call.people[0].film()
        await until(lambda: all(person.heard_at for person in call.people), 20, "they hear each other")
        return call

    async def back_after(self, ready: float) -> float:
        """Seconds until each hears the other again after *ready*."""
        events = [person.events for person in self.people]
        for person in self.people:
            await until(lambda person=person: person.heard_after(ready), 40, f"they are back: {events}")
        return max(person.heard_after(ready) - ready for person in self.people)

    async def met_again(self) -> float:
        """When both heard each other again, once reconnected (Unix time); before, it was on its way."""
        moments = []
        for person in self.people:
            await until(lambda person=person: person.reconnected_at, 40, f"they are back: {person.events}")
            moment = person.reconnected_at[-1]
            await until(
                lambda person=person, moment=moment: person.heard_after(moment), 20, "they hear again"
            )
            moments.append(person.heard_after(moment))
        return max(moments)

    def is_on(self, relay: Process) -> bool:
        """Whether the relay has had the room, by its log."""
        return any(f"room {self.room} started" in line for line in relay.log)

    async def leave(self) -> None:
        for person in self.people:
            await person.leave()


@contextmanager
def _deployment(data: Path, kind: str) -> Iterator[tuple[Portal, list[Process]]]:
    if kind == "one of two":
        with several_relays(data) as (portal, relays):
            yield portal, relays
        return
    with deployment(data, relay_apart=kind == "apart") as (portal, relay):
        yield portal, [relay]


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("embedded", marks=pytest.mark.long),
        "apart",
        pytest.param("one of two", marks=pytest.mark.long),
    ],
)
async def test_a_killed_relay_loses_nothing(
    tmp_path: Path, kind: str, record_property: Callable[[str, object], None]
) -> None:
    with _deployment(tmp_path / "data", kind) as (portal, relays):
        call = await Call.held(portal, tmp_path)
        recording = (await told(portal, "recording", "start", call.code, "--as", call.host))["recording"]
        await asyncio.sleep(3)
        relay = next(relay for relay in relays if len(relays) == 1 or call.is_on(relay))
        killed = await asyncio.to_thread(relay.kill)
        if len(relays) == 1:
            ready = await asyncio.to_thread(relay.start)
            back = await call.back_after(ready)
        else:  # the other takes the room over; the dead one is not started again
            ready = killed
            back = await call.met_again() - ready
        await asyncio.sleep(3)
        await told(portal, "recording", "stop", call.code, "--as", call.host)
        await call.leave()
        await transcribed(portal)
        turns = (await told(portal, "transcript", call.code))["turns"]
        zero = recording_began(portal.data, recording)
        files = [played(path) for path in portal.data.rglob("*-person.webm")]
        lost = [killed - zero - last for file in files for last in last_seconds(file, killed - zero)]
        record_property(
            "figure",
            f"relay ({kind}) killed: all back {back:.1f} s after a relay is there, "
            f"at most {max(lost):.2f} s of a track missing before the kill",
        )
        assert rows(portal.data, "meetings_recording") == 1
        assert len(files) == 2
        assert len(lost) == 3  # two microphones and a camera
        assert max(lost) < LOST_AT_MOST
        assert min(max(file.audible) for file in files) > ready + back - zero
        assert len({turn["speaker"] for turn in turns}) == 2
        assert min(turn["start"] for turn in turns) < killed - zero
        assert max(turn["end"] for turn in turns) > ready - zero
        assert back < BACK_WITHIN


def last_seconds(file: Played, killed: float) -> list[float]:
    """The last sound, and the last picture of who has a camera, before the kill."""
    found = [file.last_before(killed + 0.3)]
    return found + ([file.last_picture_before(killed + 0.3)] if file.pictures else [])


async def transcribed(portal: Portal) -> None:
    def ready() -> bool:
        return rows(portal.data, "transcripts_transcript", "state = 'ready'") == 1

    await until(ready, 90, "the transcript is ready")
