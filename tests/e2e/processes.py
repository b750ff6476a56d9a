"""Server processes that tests start, kill and start again, as an init system would."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.portal import ROOT, STARTING_SECONDS, Portal, environment, free_port


class Process:
    """`manage.py` with `arguments`: always the same command, ready once a line holds `ready`."""

    def __init__(self, arguments: list[str], variables: Mapping[str, str], ready: str) -> None:
        self._command, self._variables, self._ready = arguments, dict(variables), ready
        self.log: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> float:
        """The moment at which it was ready (`time.time`)."""
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", *self._command],
            cwd=ROOT,
            env=self._variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(self._process, ready), daemon=True)
        self._reader.start()
        if not ready.wait(STARTING_SECONDS) or self._process.poll() is not None:
            raise AssertionError("it did not start:\n" + "\n".join(self.log[-40:]))
        return time.time()

    def kill(self) -> float:
        """`kill -9`; the moment at which it was dead (`time.time`)."""
        return self._end(signal.SIGKILL)

    def send(self, number: signal.Signals) -> float:
        """Any signal that does not end it; the moment at which it was sent (`time.time`)."""
        assert self._process is not None
        os.kill(self._process.pid, number)
        return time.time()

    def stop(self) -> None:
        """As an operator does; nothing where it does not run."""
        if self._process is not None:
            self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> float:
        process, self._process = self._process, None
        assert process is not None
        os.kill(process.pid, number)
        try:
            process.wait(20)
        finally:
            process.kill()
            at = time.time()
            self._reader.join(5)
            if process.stdout is not None:
                process.stdout.close()
        return at

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.log.append(line.rstrip())
            if self._ready in line:
                ready.set()
        ready.set()


@contextmanager
def deployment(data: Path, *, relay_apart: bool) -> Iterator[tuple[Portal, Process]]:
    """A portal, and the process in which its relay runs: the portal's own, or one of its own."""
    apart = {"VISIO_RELAY_URL": f"http://127.0.0.1:{free_port()}"} if relay_apart else {}
    commands = [["serve"], ["relay"]] if relay_apart else [["serve"]]
    with _started(data, commands, apart) as (portal, processes):
        yield portal, processes[-1]


@contextmanager
def several_relays(data: Path, count: int = 2) -> Iterator[tuple[Portal, list[Process]]]:
    """A portal, and relays that register themselves."""
    commands = [["serve"], *([["relay"]] * count)]
    with _started(data, commands, {"VISIO_RELAY_URL": "registered"}) as (portal, processes):
        yield portal, processes[1:]


@contextmanager
def _started(
    data: Path, commands: list[list[str]], variables: Mapping[str, str]
) -> Iterator[tuple[Portal, list[Process]]]:
    port = free_port()
    ready = {"serve": "Visio is ready", "relay": "Relay is ready"}
    whole = {**environment(data, port), **variables}
    processes = [Process(command, whole, ready[command[0]]) for command in commands]
    try:
        processes[0].start()  # it makes the tables
        with ThreadPoolExecutor() as pool:
            list(pool.map(Process.start, processes[1:]))
        yield Portal(data, port, processes[0]._process, variables, processes[0].log), processes
    finally:
        for process in reversed(processes):
            process.stop()
        for process in processes:
            print("\n".join(process.log[-150:]))  # noqa: T201  (pytest shows it on failure alone)
