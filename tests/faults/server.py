"""The server process of ``make run``, made to be killed: always at the same port and on the same folder."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from tests.e2e.portal import ROOT, STARTING_SECONDS, environment


class Server:
    """One deployment that is started, killed and started again."""

    ground = "embedded"
    blinds = False
    """Whether `kill` takes the database away from whoever looks."""

    def __init__(
        self,
        data: Path,
        port: int,
        *,
        program: Sequence[str] = ("manage.py", "serve", "--demo"),
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.data, self.port = data, port
        self._program, self._variables = program, variables
        self.log: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns once it says that it is ready."""
        self._process = subprocess.Popen(
            [sys.executable, *self._program],
            cwd=ROOT,
            env={**environment(self.data, self.port), **self._variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(self._process, ready), daemon=True)
        self._reader.start()
        if not ready.wait(3 * STARTING_SECONDS) or self._process.poll() is not None:
            raise AssertionError("the server did not start:\n" + "\n".join(self.log[-40:]))

    def choose(self, seed: int) -> str:
        """Which of its processes the next `kill` is for; there is one."""
        return ""

    def kill(self) -> float:
        """All its processes at once, as a power cut would; the Unix time of it."""
        assert self._process is not None
        doomed, at = [*_descendants(self.pid), self.pid], time.time()
        for pid in doomed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._gone()
        return at

    def stop(self) -> float:
        """As an operator does. Raises AssertionError where it does not end in order."""
        assert self._process is not None
        at = time.time()
        self._process.terminate()
        status = self._process.wait(60)
        self._gone()
        assert status == 0, f"it ended with status {status}:\n" + "\n".join(self.log[-40:])
        return at

    def speech_child(self) -> int | None:
        """The process in which speech is being recognised."""
        return next((pid for pid in _descendants(self.pid) if b"pipeline.child" in _command(pid)), None)

    def kill_speech_child(self) -> bool:
        """False where there is none."""
        child = self.speech_child()
        with suppress(ProcessLookupError):
            if child is not None:
                os.kill(child, signal.SIGKILL)
                return True
        return False

    def _gone(self) -> None:
        assert self._process is not None
        self._process.wait()
        self._reader.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.log.append(line.rstrip())
            if "Visio is ready" in line:
                ready.set()
        ready.set()


def _descendants(pid: int) -> list[int]:
    """Children of all threads, and theirs."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *_descendants(child)]
    return found


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
