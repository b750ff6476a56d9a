"""One run: a fresh server, the load generator, and what it answers."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench.relay import paths, servers
from tests.bench.relay.cast import Room
from visio_portal.environment import ROOT

# On two cores nothing is left beside server and generator: keep the machine quiet.
SERVER_CORE: Final = 0
GENERATOR_CORE: Final = 1
WARM: Final = 1.5  # seconds
_PATIENCE = 240  # seconds; a hundred handshakes on a busy machine


def measure(
    far: paths.Far, path: str, server: str, rooms: Sequence[Room], *, seconds: float, speeds: Sequence[float]
) -> dict[str, Any]:
    """`analysis.figures` by speed under "windows". Raises servers.NotOffered."""
    rooms_told = [[room.publishers, room.subscribers] for room in rooms]
    return _run(
        far, path, server, {"rooms": rooms_told, "seconds": seconds, "warm": WARM, "speeds": list(speeds)}
    )


def memory(far: paths.Far, server: str) -> dict[str, Any]:
    """Bytes that each further publisher and subscriber takes. Raises servers.NotOffered."""
    return _run(far, "loopback", server, {"memory": True})


def _run(far: paths.Far, path: str, server: str, task: Mapping[str, Any]) -> dict[str, Any]:
    far.prepare(path)
    entering, own = far.generator(path)
    core = None if path.endswith("free") else SERVER_CORE
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.running(server, paths.SERVER_ADDRESS, Path(folder), core) as running,
    ):
        told = {
            "server": {"kind": running.kind, "url": running.url},
            "own": own,
            "pid": running.pid,
            "core": GENERATOR_CORE,
            "transport_cc": os.environ.get("FEEDBACK") != "remb",
            "woken": os.environ.get("RECEIVERS") == "woken",
            **task,
        }
        done = subprocess.run(
            [*entering, sys.executable, "-m", "tests.bench.relay.generator"],
            cwd=ROOT,
            input=json.dumps(told) + "\n",
            stdout=subprocess.PIPE,
            text=True,
            timeout=_PATIENCE,
            check=True,
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
