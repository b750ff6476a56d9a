"""Starting the server where something is in the way: one clear sentence, and no traceback."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from visio_portal.environment import ROOT


def _start(variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VISIO_", "DJANGO_", "PORT"))
    }
    return subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def _one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        sentence = _one_sentence(_start({"VISIO_DATA": str(tmp_path), "PORT": str(port)}))
    assert f"Port {port} is taken" in sentence


def test_a_taken_media_port_is_named(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        udp = other.getsockname()[1]
        done = _start({"VISIO_DATA": str(tmp_path), "PORT": _free_port(), "VISIO_UDP_PORT": str(udp)})
    assert f"VISIO_UDP_PORT={udp} cannot be used" in _one_sentence(done)


def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    assert f"data folder {tmp_path / 'data'} cannot be used" in _one_sentence(
        _start({"VISIO_DATA": str(tmp_path / "data")})
    )


@pytest.mark.skipif(not Path("/proc/1").exists(), reason="needs a folder nobody can write, such as /proc")
def test_an_unwritable_data_folder_is_named() -> None:
    assert "data folder /proc/visio cannot be used" in _one_sentence(_start({"VISIO_DATA": "/proc/visio"}))


def test_an_impossible_port_is_named(tmp_path: Path) -> None:
    assert "PORT must be a port number" in _one_sentence(
        _start({"VISIO_DATA": str(tmp_path), "PORT": "http"})
    )


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
