"""The servers whose subscribers get the bad path, each a process of its own."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.bench.relay import janus_config
from tests.meetings.relay.adapter import KEY, SECRET
from visio_portal.environment import ROOT

NAMES: Final = ("native", "portable", "janus")
PORTS: Final = range(40000, 40016)
_PATIENCE: Final = 20.0  # seconds until it is ready


class NotOffered(Exception):
    """The message says why this server cannot be tried here."""


@contextmanager
def running(name: str, address: str, folder: Path) -> Iterator[str]:
    """The URL of a server whose media are at *address* and `PORTS`."""
    log = folder / f"{name}.log"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("VISIO_", "DJANGO_"))}
    ours = {"VISIO_DATA": str(folder / "no-data"), "VISIO_RELAY_PLANE": name}
    command = _janus(address, folder) if name == "janus" else _relay(address)
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**kept, **ours}, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield _ready(name, process, log, address)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _relay(address: str) -> list[str]:
    options = ["--standalone", "--keys", f"{KEY}: {SECRET}", "--port", "0", "--bind", address]
    options += ["--node-ip", address, "--udp-port", str(PORTS[0]), "--no-tcp"]
    return [sys.executable, "manage.py", "relay", *options]


def _janus(address: str, folder: Path) -> list[str]:
    made = janus_config.write(folder, address)
    text = (made / "janus.jcfg").read_text()
    media = f'media: {{ ipv6 = false, rtp_port_range = "{PORTS[0]}-{PORTS[-1]}" }}'
    nat = f'nat: {{ ice_lite = true, ice_enforce_list = "{address}" }}'  # the impairer's is no way in
    text = re.sub(r"nat: \{.*?\}", nat, re.sub(r"media: \{.*?\}", media, text))
    (made / "janus.jcfg").write_text(text)
    return ["janus", "-F", str(made), "-i", address]


def _ready(name: str, process: subprocess.Popen[bytes], log: Path, address: str) -> str:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        found = re.search(r"Relay is ready at (http://[^\s,]+)", log.read_text())
        if name != "janus" and found:
            return found[1]
        if name == "janus" and _answers(url := f"http://{address}:{janus_config.PORT}/janus"):
            return url
        time.sleep(0.05)
    raise NotOffered(" ".join(log.read_text().strip().splitlines()[-1:]) or "it ended")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/info", timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False
