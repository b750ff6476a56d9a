"""``make run-production-like``: Visio as in production, to be tried on one machine.

PostgreSQL, Redis, the pages, two media relays (RELAYS=N) and one worker, each a process of its own. What
the environment names already (DATABASE_URL, REDIS_URL, VISIO_DATA) is used; the rest is made for now and
goes with it. With VISIO_RELAY_URL=http://… there is one relay, at that address.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from visio_portal import debian, throwaway
from visio_portal.service_urls import REGISTERED
from visio_portal.supervision import Child, Supervisor, manage

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Runs until it is told to stop. Returns the exit status."""
    debian.ensure(throwaway.PROGRAMS, "What is like production")
    try:
        with services(os.environ) as environment:
            return _run(environment)
    except throwaway.CannotStart as reason:
        print(f"Visio cannot start: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before there was anything to stop in order
        return 0


@contextmanager
def services(given: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment of Visio's processes: what is given, and addresses of servers that last as long."""
    environment = dict(given)
    with ExitStack() as until_the_end:
        if not environment.get("VISIO_DATA"):
            folder = tempfile.TemporaryDirectory(prefix="visio-data-", ignore_cleanup_errors=True)
            environment["VISIO_DATA"] = until_the_end.enter_context(folder)
        if not environment.get("DATABASE_URL"):
            environment["DATABASE_URL"] = until_the_end.enter_context(throwaway.postgresql()).url
        if not environment.get("REDIS_URL"):
            environment["REDIS_URL"] = until_the_end.enter_context(throwaway.redis_server()).url
        if not environment.get("VISIO_RELAY_URL"):
            environment["VISIO_RELAY_URL"] = REGISTERED
        yield environment


def _run(environment: Mapping[str, str]) -> int:
    migrated = subprocess.run(manage("migrate", "--verbosity=0"), env=environment, cwd=ROOT)
    if migrated.returncode:
        return migrated.returncode
    supervisor = Supervisor(environment, _say)
    try:
        for relay in relays(environment):
            supervisor.keep(relay)
        supervisor.keep(Child("The worker", worker()))
        pages = manage("serve", "--demo", "--without-worker")
        supervisor.keep(Child("The pages' server", pages, restarted=False))
        return supervisor.run()
    finally:
        supervisor.stop()


def relays(environment: Mapping[str, str]) -> list[Child]:
    """One, at the address that is given or at any; or several, with media ports one after another.

    Raises CannotStart.
    """
    several = environment["VISIO_RELAY_URL"] == REGISTERED
    wanted = environment.get("RELAYS") or "2"
    if not wanted.isdecimal() or not 1 <= int(wanted) <= 64:
        raise throwaway.CannotStart(f"RELAYS must be a number from 1 to 64, not “{wanted}”.")
    count = int(wanted) if several else 1
    if count == 1:
        return [Child("The relay", manage("relay"))]
    first = int(environment.get("VISIO_UDP_PORT") or 0)
    ports = [str(first + number if first else 0) for number in range(count)]
    return [
        Child(f"Relay {number}", manage("relay", "--udp-port", port)) for number, port in enumerate(ports, 1)
    ]


def worker() -> list[str]:
    """The command line of a worker."""
    quiet = ["-W", "ignore:You're running the worker with superuser"]
    celery = [sys.executable, *quiet, "-m", "celery", "--quiet", "-A", "visio_portal"]
    return [*celery, "worker", "--loglevel=WARNING", "--without-gossip", "--without-mingle"]


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
