"""Several processes as one: who dies is replaced, or takes the others along; all stop together."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from visio_portal.environment import ROOT

_PROGRAM = """
import os, sys
from visio_portal.supervision import Child, Supervisor

def say(line):
    print(line, flush=True)

supervisor = Supervisor(os.environ, say)
try:
    supervisor.keep(Child("The sleeper", ["sleep", "1000"]))
    supervisor.keep(Child("The pages", ["sleep", sys.argv[1]], restarted=False))
    status = supervisor.run()
finally:
    supervisor.stop()
sys.exit(status)
"""


def _started(pages_last: str) -> tuple[subprocess.Popen[str], list[int]]:
    """The supervisor, and the numbers of its two children."""
    running = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, pages_last], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    return running, [_number(_line(running)) for _ in range(2)]


def _line(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    return running.stdout.readline()


def _number(line: str) -> int:
    assert "runs as process" in line
    return int(line.rstrip(".\n").rpartition(" ")[2])


def _gone(number: int) -> bool:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{number}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not Path(f"/proc/{number}").exists()


def _runs(number: int) -> None:
    """Returns once the child is bound to its supervisor, which it is a moment after it was started."""
    deadline = time.monotonic() + 10
    while Path(f"/proc/{number}/comm").read_text() != "sleep\n" and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_killed_child_is_replaced_and_said() -> None:
    running, (sleeper, pages) = _started("1000")
    os.kill(sleeper, signal.SIGKILL)
    assert f"The sleeper (process {sleeper}) ended: killed by SIGKILL." in _line(running)
    replaced = _number(_line(running))
    running.terminate()
    running.communicate(timeout=30)
    assert running.returncode == 0
    assert all(map(_gone, (sleeper, replaced, pages)))


def test_the_end_of_one_that_must_not_end_is_everybodys() -> None:
    running, children = _started("0")
    rest, _ = running.communicate(timeout=30)
    assert "The pages (process" in rest
    assert running.returncode != 0
    assert all(map(_gone, children))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "Ctrl-C"])
def test_no_child_outlives_the_supervisor(how: signal.Signals) -> None:
    running, children = _started("1000")
    for child in children:
        _runs(child)
    running.send_signal(how)
    running.communicate(timeout=30)
    assert all(map(_gone, children))
