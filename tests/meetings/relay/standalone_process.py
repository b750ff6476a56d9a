"""`manage.py relay --standalone` as its users start it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from visio_portal.environment import ROOT

from .adapter import KEY, SECRET


@dataclass
class Standalone:
    """A running process; `url` is the one that its ready line names."""

    url: str
    process: subprocess.Popen[str]
    log: Path


def environment(data: Path) -> dict[str, str]:
    """A data folder that is not there, and that nothing may make."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VISIO_", "DJANGO_"))}
    return {**kept, "VISIO_DATA": str(data), "PYTHONWARNINGS": "error"}


@contextmanager
def standalone(folder: Path, *arguments: str, keys: str = f"{KEY}: {SECRET}") -> Iterator[Standalone]:
    """Runs until the block ends, then is told to stop and must end with 0."""
    command = [
        sys.executable,
        "manage.py",
        "relay",
        "--standalone",
        "--keys",
        keys,
        "--port",
        "0",
        *arguments,
    ]
    log = folder / "relay.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(folder / "no-data"),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Relay is ready at http://"), log.read_text()
            yield Standalone(line.split()[4].rstrip(","), process, log)
        finally:
            process.terminate()
            process.wait(20)
    assert process.returncode == 0, log.read_text()
    assert not (folder / "no-data").exists()
