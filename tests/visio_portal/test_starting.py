"""Starting the server where something is in the way: one clear sentence, and no traceback."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.portal import free_port, running_portal
from visio_portal.environment import ROOT


def _start(variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env=_environment(variables),
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


def test_a_media_port_taken_in_tcp_alone_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        taken = str(other.getsockname()[1])
        done = _start({"VISIO_DATA": str(tmp_path), "PORT": _free_port(), "VISIO_UDP_PORT": taken})
    sentence = _one_sentence(done)
    assert f"VISIO_UDP_PORT={taken} cannot be used" in sentence
    assert "for TCP; VISIO_MEDIA_TCP=off" in sentence


def test_pages_and_media_may_have_the_same_number(tmp_path: Path) -> None:
    """TCP is the pages' then: media come by UDP alone."""
    port = free_port()
    with running_portal(tmp_path, variables={"VISIO_UDP_PORT": str(port)}, port=port) as portal:
        portal.wait_for_log(f"relay listens on UDP, every address, port {port}")


def test_a_turn_server_without_its_secret_is_named(tmp_path: Path) -> None:
    done = _start({"VISIO_DATA": str(tmp_path), "VISIO_TURN_URLS": "turn:turn.example"})
    assert "VISIO_TURN_URLS needs VISIO_TURN_SECRET" in _one_sentence(done)


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


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("rubbish")
    wanted = f"{tmp_path}/cert.pem:{tmp_path}/cert.pem"
    sentence = _one_sentence(_start({"VISIO_DATA": str(tmp_path), "VISIO_TLS": wanted}))
    assert sentence.startswith(f"Visio cannot start: VISIO_TLS={wanted}: {tmp_path}/cert.pem holds no certif")


def test_without_https_the_operator_is_told_what_other_machines_will_lack(tmp_path: Path) -> None:
    variables = {"VISIO_HOST": "0.0.0.0", "VISIO_MEDIA_IP": "192.0.2.7"}
    with running_portal(tmp_path, "--verbosity=1", variables=variables) as portal:
        line = portal.wait_for_log("no camera and microphone")
        assert "VISIO_TLS=self-signed" in line
        assert not portal.logged("fingerprint")


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_server_told_to_stop_ends_cleanly_and_leaves_private_files(
    tmp_path: Path, told: signal.Signals
) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    environment = _environment({"VISIO_DATA": str(data), "PORT": _free_port()})
    command = [sys.executable, "manage.py", "serve"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        first_lines = []
        while not (first_lines and "Visio is ready" in first_lines[-1]):
            first_lines.append(server.stdout.readline())
            assert first_lines[-1], "".join(first_lines)
        server.send_signal(told)
        rest, _ = server.communicate(timeout=30)
    assert server.returncode == 0
    assert "Traceback" not in rest
    for path in data.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VISIO_", "DJANGO_", "PORT"))
    }
    return {**kept, **variables}


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
