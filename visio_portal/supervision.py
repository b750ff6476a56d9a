"""Several processes as one: started in order, watched, started again where that helps, stopped together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from visio_portal.debian import find

# One that dies at once every time must not fill the log.
PAUSE_SECONDS = 1.0
STOPPING_SECONDS = 20.0


@dataclass
class Child:
    """A process to be kept running. One that is not *restarted* takes all the others with it."""

    name: str
    command: Sequence[str]
    restarted: bool = True
    process: subprocess.Popen[bytes] | None = None
    due: float = 0.0
    """Monotonic time before which it is not started again."""


class Supervisor:
    """Keeps children running until told to stop by SIGINT or SIGTERM, or until one dies that must not.

    Each has a session of its own, so that a Ctrl-C reaches this process alone, which stops them in the
    opposite order of their start; and each is ended by the kernel if this process is killed.
    """

    def __init__(self, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._environment, self._say = dict(environment), say
        self._children: list[Child] = []
        self._told_to_stop = False

    def keep(self, child: Child) -> None:
        """Starts it, and from now on looks after it."""
        self._children.append(child)
        self._start(child)

    def run(self) -> int:
        """Watches until it is time to end. Returns the exit status for this process."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop_asked)
        while not self._told_to_stop:
            for child in self._children:
                if (status := self._look(child)) is not None:
                    return status
            time.sleep(0.1)
        return 0

    def stop(self) -> None:
        """Stops every child, the last started first. One that does not end in time is killed."""
        for child in reversed(self._children):
            if child.process is None or child.process.poll() is not None:
                continue
            child.process.terminate()
            try:
                child.process.wait(STOPPING_SECONDS)
            except subprocess.TimeoutExpired:
                self._say(f"{child.name} did not stop within {STOPPING_SECONDS:.0f} s and is killed.")
                child.process.kill()
                child.process.wait()

    def _stop_asked(self, number: int, frame: object) -> None:
        self._told_to_stop = True

    def _look(self, child: Child) -> int | None:
        """The exit status of all where this child's end is everybody's."""
        if child.process is None:
            if time.monotonic() >= child.due:
                self._start(child)
            return None
        status = child.process.poll()
        if status is None:
            return None
        self._say(f"{child.name} (process {child.process.pid}) ended: {_how(status)}.")
        if not child.restarted:
            return status or 1
        child.process, child.due = None, time.monotonic() + PAUSE_SECONDS
        return None

    def _start(self, child: Child) -> None:
        dying_with_us = [find("setpriv") or "setpriv", "--pdeathsig=KILL"]
        child.process = subprocess.Popen(
            [*dying_with_us, *child.command],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._say(f"{child.name} runs as process {child.process.pid}.")


def _how(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def manage(*words: str) -> list[str]:
    """The command line of ``manage.py`` with these words."""
    return [sys.executable, os.path.join(os.path.dirname(os.path.dirname(__file__)), "manage.py"), *words]
