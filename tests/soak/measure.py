"""What a server process holds, over time, and whether it stays flat."""

import json
import os
import signal
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.e2e.portal import Portal

# Growth that is no leak: allocators and caches settle in the first minutes (which long runs leave out), and a
# kibibyte a join is noise. A participant that is kept costs some 200 KiB.
SETTLING_KIB, SETTLED_KIB = 12 * 1024, 4 * 1024
PER_JOIN_KIB = 1.0
LONG = 600.0  # seconds
# Counts may differ by these after everybody has gone: threads and connections that serve the next request.
IDLE_SLACK = {"tasks": 3, "descriptors": 8, "threads": 8}
# What must be back to nothing once everybody has gone.
PEOPLES = (
    *("rooms", "participants", "tracks", "subscriptions", "ice_agents", "transports", "addresses", "streams"),
    *("routed_tracks", "routed_subscriptions", "srtp_sessions"),
)
# Counters of the relay that honest people never raise.
IMPOSSIBLE = ("receive_errors", "protect_failed", "rtcp_malformed", "data_malformed", "sequence_repeated")


@dataclass(frozen=True)
class Sample:
    """At `seconds` after the start `joins` people had come; `alive` as the server's census says."""

    seconds: float
    joins: int
    alive: dict[str, int]
    counters: dict[str, int]


class Census:
    """Asks a running server by signal, and reads its log."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def take(self, seconds: float, joins: int, *, within: float = 20.0) -> Sample:
        before = self._last()
        os.kill(self._portal.process.pid, signal.SIGUSR1)
        deadline = time.monotonic() + within
        while (line := self._last()) == before:
            if time.monotonic() > deadline:
                raise AssertionError("SIGUSR1 is not answered:\n" + "\n".join(self._portal.log[-30:]))
            time.sleep(0.05)
        found = json.loads(line.partition(" census ")[2])
        return Sample(round(seconds, 1), joins, found["alive"], found["counters"])

    def _last(self) -> str:
        """The newest census; each has its own time in front."""
        return next((line for line in reversed(self._portal.log) if "visio.census census " in line), "")


def slope_kib_per_hour(samples: Sequence[Sample]) -> float:
    """The resident memory's trend: Theil and Sen's median of slopes, which single peaks do not move."""
    points = [(sample.seconds, sample.alive["resident_kib"]) for sample in samples]
    slopes = [
        (memory - before) / (at - earlier)
        for at, memory in points
        for earlier, before in points
        if at > earlier
    ]
    return statistics.median(slopes) * 3600 if slopes else 0.0


def grown_kib(samples: Sequence[Sample]) -> float:
    """By how much the last fifth's median is above the first fifth's."""
    size = max(1, len(samples) // 5)
    memory = [sample.alive["resident_kib"] for sample in samples]
    return statistics.median(memory[-size:]) - statistics.median(memory[:size])


def faults(idle: Sample, busy: Sequence[Sample], after: Sample) -> list[str]:
    """What is not flat, in sentences; nothing where all is well.

    *idle* was taken before anybody came, *busy* while people came and went (without the first minute or
    third), *after* once all have gone.
    """
    found = [f"{name}: {after.alive[name]} left" for name in PEOPLES if after.alive[name]]
    for name, slack in IDLE_SLACK.items():
        if after.alive[name] > idle.alive[name] + slack:
            found.append(f"{name}: {idle.alive[name]} before, {after.alive[name]} after")
    joins = busy[-1].joins - busy[0].joins
    long = busy[-1].seconds - busy[0].seconds > LONG
    bound = (SETTLED_KIB if long else SETTLING_KIB) + PER_JOIN_KIB * joins
    if grown_kib(busy) > bound:
        found.append(f"memory grew by {grown_kib(busy):.0f} KiB in {joins} joins, bound {bound:.0f}")
    for sample in busy:
        transports, sessions = sample.alive["transports"], sample.alive["srtp_sessions"]
        if sessions > 2 * transports + 8:
            found.append(f"at {sample.seconds} s {sessions} SRTP sessions for {transports} transports")
    found += [f"{name}: {after.counters[name]}" for name in IMPOSSIBLE if after.counters.get(name)]
    return found
