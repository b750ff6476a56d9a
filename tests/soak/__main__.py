"""``make soak``: a whole portal under people who come and go every second, for ``MINUTES`` (60).

Prints a table of samples and a verdict, writes ``build/soak/soak.json``. Exits with 1 where something grew.
The last 45 seconds are for the last people's traces to go: rooms end 20 s after the last one left.
"""

import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench import report
from tests.e2e.portal import running_portal
from tests.peers.invite import invite
from tests.soak.churn import Churn
from tests.soak.measure import Census, Sample, faults, grown_kib, slope_kib_per_hour

OUT = Path(__file__).resolve().parents[2] / "build" / "soak"
GOING = 45.0  # seconds: 15 s of resume, then 20 s of an empty room, and some
SHOWN = (
    *("seconds", "joins", "resident_kib", "descriptors", "threads", "tasks", "participants", "transports"),
    *("srtp_sessions", "rooms"),
)
GUESTS = 60


def main() -> int:
    logging.basicConfig(level=logging.WARNING)
    minutes = float(os.environ.get("MINUTES") or 60)
    with (
        tempfile.TemporaryDirectory(prefix="visio-soak-") as data,
        running_portal(Path(data), log_lines=2_000) as portal,
    ):
        guests = invite(portal.environment, 3, GUESTS)
        census = Census(portal)
        churn = Churn(portal.url.replace("localhost", "127.0.0.1"), guests)
        samples = [idle := census.take(0, 0)]
        began = time.monotonic()

        def sample() -> None:
            samples.append(census.take(time.monotonic() - began, churn.joins))
            print(line(samples[-1]), flush=True)

        print(" ".join(name.rjust(12) for name in SHOWN), flush=True)
        churning = minutes * 60 - GOING
        asyncio.run(churn.run(churning, sample, max(5.0, min(30.0, churning / 20))))
        after = gone(census, churn.joins, began)
    busy = samples[1 + len(samples) // 3 :] if minutes < 10 else [s for s in samples if s.seconds > 300]
    return judge(minutes, idle, samples, busy, after, churn)


def line(sample: Sample) -> str:
    values = {"seconds": int(sample.seconds), "joins": sample.joins, **sample.alive}
    return " ".join(str(values[name]).rjust(12) for name in SHOWN)


def gone(census: Census, joins: int, began: float) -> Sample:
    """The server once everybody's traces have gone, or after twice the time that takes."""
    deadline = time.monotonic() + 2 * GOING
    while True:
        time.sleep(3)
        sample = census.take(time.monotonic() - began, joins)
        if not sample.alive["rooms"] or time.monotonic() > deadline:
            print(line(sample), flush=True)
            return sample


def judge(
    minutes: float, idle: Sample, samples: list[Sample], busy: list[Sample], after: Sample, churn: Churn
) -> int:
    found = faults(idle, busy, after)
    failed = sum(number for name, number in churn.outcomes.items() if name.startswith("failed"))
    if failed > churn.joins // 100:
        found.append(f"{failed} people could not do what they wanted")
    if churn.joins < 0.8 * (minutes * 60 - GOING) or not churn.outcomes["heard others"]:
        found.append(f"only {churn.joins} people came, {churn.outcomes['heard others']} heard others")
    if churn.outcomes["packets not decrypted"]:
        found.append(f"{churn.outcomes['packets not decrypted']} packets could not be decrypted")
    figures: dict[str, Any] = {
        "joins": churn.joins,
        "grown_kib": round(grown_kib(busy)),
        "slope_kib_per_hour": round(slope_kib_per_hour(busy)),
        "outcomes": dict(churn.outcomes),
        "faults": found,
    }
    print(json.dumps(figures, indent=1))
    write(minutes, [*samples, after], figures)
    print("flat" if not found else "NOT FLAT: " + "; ".join(found))
    return 1 if found else 0


def write(minutes: float, samples: list[Sample], figures: dict[str, Any]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    told = {"at": at, "minutes": minutes, "machine": report.machine(), **figures}
    (OUT / "soak.json").write_text(json.dumps({**told, "samples": [asdict(s) for s in samples]}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
