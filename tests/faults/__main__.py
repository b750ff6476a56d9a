"""Kills Visio at every stage of its work and looks whether anything is lost or doubled.

``python -m tests.faults`` within ``tests/netns.sh``; ``make test-faults``. RUNS: how many (100); SEED: of the
first run, the others count on from it; so any run can be repeated alone: ``make test-faults RUNS=1 SEED=…``.
"""

import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import django

from tests.e2e.portal import ROOT, environment, free_port

REPORT = ROOT / "build" / "faults" / "runs.json"


def main() -> int:
    """The exit status: 0 where nothing was lost, missing or doubled."""
    runs, seed = int(os.environ.get("RUNS") or 100), int(os.environ.get("SEED") or secrets.randbelow(10**6))
    data = Path(tempfile.mkdtemp(prefix="visio-faults-"))
    try:
        return _all(runs, seed, data)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _all(runs: int, seed: int, data: Path) -> int:
    port = free_port()
    os.environ.update(environment(data, port))
    os.environ["DJANGO_SETTINGS_MODULE"] = "visio_portal.settings"
    os.umask(0o077)
    from tests.faults.server import Server

    server = Server(data, port)
    server.start()
    django.setup()
    from tests.faults import calls, laying
    from tests.faults import runs as running
    from tests.faults.eye import SqliteEye

    print(f"{runs} runs from seed {seed} on; one of them alone: make test-faults RUNS=1 SEED=…", flush=True)
    eye = SqliteEye(data / "visio.sqlite3")
    said = laying.voices()
    ground = running.Ground(server, eye, said[0][0], said, calls.speech(data))
    began = time.monotonic()
    done: list[running.Run] = []
    try:
        running.reference(ground)
        for number in range(runs):
            done.append(running.run(ground, seed + number))
            _tell(number + 1, runs, done[-1], server)
    finally:
        eye.close()
        server.kill()
    return _report(done, runs, seed, time.monotonic() - began)


def _tell(number: int, runs: int, run: "running.Run", server: "Server") -> None:  # type: ignore[name-defined]  # noqa: F821
    what = "  +  ".join(run.hits)
    print(f"{number:4}/{runs} seed {run.seed}: {run.fault} → {what} ({run.seconds:.1f} s)", flush=True)
    for problem in run.problems:
        print(f"        WRONG: {problem}", flush=True)
    if run.problems:
        print("\n".join(f"        | {line}" for line in server.log[-40:]), flush=True)


def _report(done: list, runs: int, seed: int, seconds: float) -> int:  # type: ignore[type-arg]
    from tests.faults.places import IN_ORDER

    hits = Counter(hit for run in done for hit in run.hits)
    print(f"\n{'where it was hit':52}{'times':>6}")
    for name in [*IN_ORDER, *sorted(set(hits) - set(IN_ORDER))]:
        print(f"{name:52}{hits[name]:6}")
    wrong = [run for run in done if run.problems]
    print(
        f"\n{sum(hits.values())} kills and stops in {len(done)} runs, {seconds / 60:.1f} minutes;"
        f" recordings or transcripts lost, missing, doubled or different: {len(wrong)}"
    )
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    report = {"seed": seed, "hits": dict(hits), "wrong": len(wrong), "runs": [asdict(run) for run in done]}
    REPORT.write_text(json.dumps(report, indent=1))
    for run in wrong:
        print(f"again: make test-faults RUNS=1 SEED={run.seed}")
    return 0 if len(done) == runs and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
