"""The servers that are compared, each in a process group of its own."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.relay import janus_config
from tests.meetings.relay.adapter import KEY, SECRET
from visio_portal.environment import ROOT

PLANES: Final = {
    "native+gso": {"VISIO_RELAY_PLANE": "native", "VISIO_RELAY_GSO": "1"},
    "native": {"VISIO_RELAY_PLANE": "native", "VISIO_RELAY_GSO": "0"},
    "portable": {"VISIO_RELAY_PLANE": "portable"},
}
NAMES: Final = (*PLANES, "janus")
_PATIENCE = 20.0  # seconds until it is ready


class NotOffered(Exception):
    """The message says why this server cannot be measured here."""


@dataclass(frozen=True)
class Running:
    """What the load generator is told; `pid` is the process group's too."""

    kind: str
    url: str
    pid: int


@contextmanager
def running(name: str, address: str, folder: Path, core: int | None) -> Iterator[Running]:
    """A server whose media and signalling are at *address*, pinned to *core* where one is named."""
    log = folder / f"{name}.log"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("VISIO_", "DJANGO_"))}
    environment = {**kept, "VISIO_DATA": str(folder / "no-data"), **PLANES.get(name, {})}
    pin = ["taskset", "-c", str(core)] if core is not None else []
    with log.open("w") as output:
        process = subprocess.Popen(
            [*pin, *_command(name, address, folder)],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            kind = "janus" if name == "janus" else "livekit"
            url = _janus_ready(process, address, log) if name == "janus" else _relay_ready(process, log)
            yield Running(kind, url, process.pid)
        finally:
            _end(process)


def _command(name: str, address: str, folder: Path) -> list[str]:
    if name == "janus":
        return ["janus", "-F", str(janus_config.write(folder, address))]
    keys = f"{KEY}: {SECRET}"
    options = ("--standalone", "--keys", keys, "--port", "0", "--bind", address, "--node-ip", address)
    return [sys.executable, "manage.py", "relay", *options]


def _relay_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"Relay is ready at (http://[^\s,]+)", log.read_text()):
            return found[1]
        time.sleep(0.05)
    said = log.read_text().strip().splitlines()
    raise NotOffered(said[-1] if said else "it ended without a word")


def _janus_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> str:
    url = f"http://{address}:{janus_config.PORT}/janus"
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/info", timeout=1):
                return url
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise NotOffered(log.read_text()[-300:])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def janus_version() -> str:
    told = subprocess.run(["janus", "--version"], capture_output=True, text=True, check=False)
    return (told.stdout + told.stderr).split("\n")[0].removeprefix("Janus version: ").strip()
