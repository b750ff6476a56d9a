"""Kills Visio at every stage of its work and looks whether anything is lost or doubled.

``python -m tests.faults`` within ``tests/netns.sh``; ``make test-faults``. RUNS: how many (100); SEED: of the
first run, the others count on from it; so any run can be repeated alone: ``make test-faults RUNS=1 SEED=…``.
"""

import os
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

import django

from tests.e2e.portal import environment, free_port


def main() -> int:
    """The exit status: 0 where nothing was lost, missing or doubled."""
    runs, seed = int(os.environ.get("RUNS") or 100), int(os.environ.get("SEED") or secrets.randbelow(10**6))
    data = Path(tempfile.mkdtemp(prefix="visio-faults-"))
    try:
        return 0 if _all(runs, seed, data) else 1
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _all(runs: int, seed: int, data: Path) -> bool:
    port = free_port()
    os.environ.update(environment(data, port))
    os.environ["DJANGO_SETTINGS_MODULE"] = "visio_portal.settings"
    os.umask(0o077)
    from tests.faults.server import Server

    server = Server(data, port)
    server.start()
    try:
        django.setup()  # once the server has made its keys
        return _series(server, runs, seed)
    finally:
        server.kill()


def _series(server: "Server", runs: int, seed: int) -> bool:  # type: ignore[name-defined]  # noqa: F821
    from tests.faults import calls, laying, report
    from tests.faults.eye import SqliteEye
    from tests.faults.runs import Ground, Run, reference, run

    print(f"{runs} runs from seed {seed} on; one of them alone: make test-faults RUNS=1 SEED=…", flush=True)
    said, began = laying.voices(), time.monotonic()
    eye = SqliteEye(server.data / "visio.sqlite3")
    ground = Ground(server, eye, said[0][0], said, calls.speech(server.data))
    reference(ground)
    done: list[Run] = []
    for number in range(runs):
        done.append(run(ground, seed + number))
        report.tell(number + 1, runs, done[-1], server.log)
    eye.close()
    return report.summary("embedded", done, seed, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
