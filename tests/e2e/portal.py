"""A real Visio: the server process that ``make run`` starts, on a scratch folder, and its commands."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.machines import Machine
from visio_portal import throwaway

ROOT = Path(__file__).resolve().parents[2]
STARTING_SECONDS = 120.0  # a machine that does much else


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Portal:
    """A running server. ``log`` grows with what it prints.

    ``postgresql`` and ``redis`` are what it stands on where it is like production.
    """

    data: Path
    port: int
    process: subprocess.Popen[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    postgresql: throwaway.Server | None = None
    redis: throwaway.Server | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {**environment(self.data, self.port), **self.variables}

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of its certificate, as it printed it."""
        return self.wait_for_log("SHA-256 fingerprint").rpartition(" ")[2]

    def command(self, *arguments: str) -> dict[str, Any]:
        """Runs a command with ``--json`` and answers with its object."""
        done = self.try_command(*arguments)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def try_command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments, "--json"]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60
        )

    def child(self, name: str) -> int:
        """The number of one of its processes (“relay”, “worker”, “pages' server”) where they are apart."""
        return int(self.wait_for_log(rf"The {name} runs as process").rstrip(".").rpartition(" ")[2])

    def program(self, module: str, *arguments: str) -> dict[str, Any]:
        """Runs a module of the tests beside the server, in its environment, and answers with its object."""
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def logged(self, pattern: str) -> list[str]:
        return [line for line in self.log if re.search(pattern, line)]

    def wait_for_log(self, pattern: str, seconds: float = 10) -> str:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := self.logged(pattern):
                return found[-1]
            time.sleep(0.05)
        raise AssertionError(f"{pattern!r} was not logged:\n" + "\n".join(self.log[-40:]))


_OPERATORS = ("VISIO_", "DJANGO_", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL")


def environment(data: Path, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OPERATORS)}
    return {**kept, "VISIO_DATA": str(data), "PORT": str(port), "PYTHONUNBUFFERED": "1"}


@contextmanager
def running_portal(
    data: Path,
    *options: str,
    variables: Mapping[str, str] | None = None,
    log_lines: int | None = None,
    on: Machine | None = None,
    port: int | None = None,
) -> Iterator[Portal]:
    """Starts the server, waits until it says that it is ready, and stops it in the end.

    The demo is seeded unless other *options* are given; *variables* go into its environment. Of its log about
    the last *log_lines* are kept, all by default. It runs in this process's network, or *on* another machine,
    at a free *port* unless told which.
    """
    program = ["manage.py", "serve", *(options or ("--demo",))]
    with _running(program, data, variables or {}, log_lines, on, port) as portal:
        yield portal


@contextmanager
def production_like_portal(data: Path) -> Iterator[Portal]:
    """The same on PostgreSQL and Redis, with pages, relays and worker apart: what operators try it by."""
    with throwaway.postgresql() as postgresql, throwaway.redis_server() as redis:
        variables = {
            "DATABASE_URL": postgresql.url,
            "REDIS_URL": redis.url,
            "VISIO_RELAY_URL": "registered",
            "RELAYS": "2",
        }
        with _running(["-m", "visio_portal.production_like"], data, variables) as portal:
            portal.postgresql, portal.redis = postgresql, redis
            yield portal


@contextmanager
def _running(
    program: Sequence[str],
    data: Path,
    variables: Mapping[str, str],
    log_lines: int | None = None,
    on: Machine | None = None,
    port: int | None = None,
) -> Iterator[Portal]:
    port = port or free_port()
    command = [sys.executable, *program]
    process = subprocess.Popen(
        on.inside(*command) if on else command,
        cwd=ROOT,
        env={**environment(data, port), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    portal = Portal(data, port, process, variables)

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            portal.log.append(line.rstrip())
            if log_lines is not None and len(portal.log) > 2 * log_lines:
                del portal.log[:-log_lines]

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        portal.wait_for_log("Visio is ready", STARTING_SECONDS)
        yield portal
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(5)
        assert not reader.is_alive(), "a process that the server has started outlives it"
        if process.stdout is not None:
            process.stdout.close()
