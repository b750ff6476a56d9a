"""Kills Visio at every stage of its work and looks whether anything is lost or doubled.

``python -m tests.faults`` within ``tests/netns.sh``; ``make test-faults``. RUNS: how many (100); SEED: of the
first run, the others count on from it; so any run can be repeated alone: ``make test-faults RUNS=1 SEED=…``.
GROUND: ``embedded``, or ``production-like``, where single processes are killed as well.
"""

import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
import psycopg

from tests.e2e.portal import environment, free_port
from tests.faults.production import Production
from tests.faults.server import Server
from visio_portal import throwaway


def main() -> int:
    """The exit status: 0 where nothing was lost, missing or doubled."""
    runs, seed = int(os.environ.get("RUNS") or 100), int(os.environ.get("SEED") or secrets.randbelow(10**6))
    folder = tempfile.TemporaryDirectory(prefix="visio-faults-", ignore_cleanup_errors=True)
    with folder as data, _server(Path(data), os.environ.get("GROUND") or "embedded") as server:
        return 0 if _all(server, runs, seed) else 1


@contextmanager
def _server(data: Path, ground: str) -> Iterator[Server]:
    """On the ground that was asked for. Its addresses are this process's too, which lays and looks."""
    port = free_port()
    if ground == "embedded":
        os.environ.update(environment(data, port))
        yield Server(data, port)
        return
    with throwaway.postgresql() as postgresql, throwaway.redis_server() as redis:
        with psycopg.connect(postgresql.url, autocommit=True) as connection:
            # It is throw-away by not waiting for the disk; that it forgets commits when killed is too much.
            connection.execute("ALTER DATABASE visio SET synchronous_commit = on")
        server = Production(data, port, postgresql=postgresql, redis=redis)
        os.environ.update({**environment(data, port), **server.variables})
        yield server


def _all(server: Server, runs: int, seed: int) -> bool:
    os.environ["DJANGO_SETTINGS_MODULE"] = "visio_portal.settings"
    os.umask(0o077)
    server.start()
    try:
        django.setup()  # once the server has made its keys
        return _series(server, runs, seed)
    finally:
        server.kill()


def _series(server: Server, runs: int, seed: int) -> bool:
    from django.db import connection

    from tests.faults import calls, laying, report
    from tests.faults.eye import eye_on
    from tests.faults.runs import Ground, Run, reference, run

    print(f"{runs} runs from seed {seed} on; one of them alone: make test-faults RUNS=1 SEED=…", flush=True)
    said, began = laying.voices(), time.monotonic()
    done: list[Run] = []
    with eye_on(connection) as eye:
        ground = Ground(server, eye, said[0][0], said, calls.speech(server.data))
        reference(ground)
        for number in range(runs):
            done.append(run(ground, seed + number))
            report.tell(number + 1, runs, done[-1], server.log)
    return report.summary(server.ground, done, seed, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
