"""The moments at which something is killed. None needs a hook in the product: all are seen from outside.

Where a stage is over too soon to be hit by watching, it is made longer from outside: the test takes the
database's lock on writing, so that the server waits exactly where it writes next, and is killed waiting.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.faults import places
from tests.faults.eye import Seen

Fault = Literal["kill", "kill the recogniser", "stop"]
"""``kill -9`` of the server with all its children, of the recogniser alone; or SIGTERM to the server."""

Span = tuple[float, float]
"""Seconds, from … to."""


@dataclass(frozen=True)
class Stage:
    """When ``reached``, the fault comes after a ``delay``, or with nobody able to write for a time ``held``.

    ``laid``: on a laid recording, from its last webhook on; else ``call`` names the moment of a live one.
    """

    aim: str
    reached: Callable[[Seen], bool] = lambda seen: False
    delay: Span = (0.0, 0.0)
    held: Span | None = None
    fault: Fault = "kill"
    call: str = ""
    inside_writing: bool = False

    @property
    def laid(self) -> bool:
        return not self.call


def _loading(seen: Seen) -> bool:
    return seen.speech.at("transcribing", 0.05)


def _recognising(seen: Seen) -> bool:
    return seen.speech.at("transcribing", 0.06)


def _mixing(seen: Seen) -> bool:
    return seen.files.at("mixing")


def _merged(seen: Seen) -> bool:
    return seen.speech.at("transcribing", 1.0)


# One after the other they come from all over the work: five consecutive ones are a fair sample.
STAGES = (
    Stage(places.WRITING, call="writing", delay=(0.3, 2.0)),
    Stage(places.FILES_QUEUED, lambda seen: seen.files.untouched),
    Stage(places.RECOGNISING, _recognising, delay=(0.0, 0.4)),
    Stage(places.INDEXING, _merged, inside_writing=True),
    Stage(places.REMUX, lambda seen: seen.files.at("remuxing"), delay=(0.0, 0.03)),
    Stage(places.BEFORE_PACKETS, call="starting"),
    Stage(places.SPEECH_QUEUED, lambda seen: seen.speech.untouched),
    Stage(places.RECOGNISING, _recognising, delay=(0.0, 0.4), fault="kill the recogniser"),
    Stage(places.WEBHOOK, lambda seen: True, held=(0.05, 0.6)),
    Stage(places.MERGING, _merged),
    Stage(places.WRITING, call="flushing"),
    Stage(places.MIX, _mixing, delay=(0.0, 0.05)),
    Stage(places.DECODE, lambda seen: seen.speech.at("decoding"), delay=(0.0, 0.05)),
    Stage(places.COMMITTED, lambda seen: seen.speech.state == "done"),
    Stage(places.FILES_LEASED, lambda seen: seen.files.fence > 0),
    Stage(places.STOP_PRESSED, call="stopping"),
    Stage(places.LOADING, _loading, delay=(0.0, 0.5)),
    Stage(places.FILES_OUTCOME, lambda seen: seen.files.at("mixing", 1.0), held=(0.1, 0.4)),
    Stage(places.RECOGNISING, _recognising, held=(0.2, 1.0)),
    Stage(places.WRITING, call="writing", delay=(0.3, 2.0), fault="stop"),
    Stage(places.REMUX, lambda seen: seen.files.at("remuxing"), held=(0.05, 0.4)),
    Stage(places.LOADING, _loading, delay=(0.0, 0.3), fault="kill the recogniser"),
    Stage(places.WEBHOOK, call="closing", held=(0.1, 0.6)),
    Stage(places.SPEECH_LEASED, lambda seen: seen.speech.fence > 0),
    Stage(places.MIX, _mixing, held=(0.05, 0.4)),
    Stage(places.HEARTBEAT, _loading, held=(8.5, 9.0)),
    Stage(places.MERGING, _merged, held=(0.05, 0.4)),
    Stage(places.RECOGNISING, _recognising, delay=(0.0, 0.4), fault="stop"),
    Stage(places.WRITING, call="nobody returns", delay=(3.5, 5.0)),
    Stage(places.MIX, _mixing, fault="stop"),
)
