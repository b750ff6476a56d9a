"""The operator's variables: what they mean, and one clear sentence where they cannot be used."""

from pathlib import Path

import pytest

from visio_portal import environment
from visio_portal.environment import BadEnvironment


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "VISIO_HOST", "VISIO_UDP_PORT", "VISIO_MEDIA_IP", "VISIO_DATA", "VISIO_MODELS_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_without_any_variable_visio_listens_on_this_machine_alone() -> None:
    read = environment.read()
    assert (read.host, read.port, read.udp_port) == ("127.0.0.1", 8000, 0)
    assert read.address == "http://localhost:8000"
    assert read.data == environment.ROOT / "data"
    assert read.speech.models == read.data / "models"


def test_every_variable_is_honoured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "PORT": "9000",
        "VISIO_HOST": "10.1.2.3",
        "VISIO_UDP_PORT": "40000",
        "VISIO_MEDIA_IP": "10.1.2.3, 192.0.2.7",
        "VISIO_DATA": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    read = environment.read()
    assert (read.port, read.udp_port, read.data) == (9000, 40000, tmp_path)
    assert read.media_addresses == ("10.1.2.3", "192.0.2.7")
    assert read.address == read.loopback_address == "http://10.1.2.3:9000"
    assert {"10.1.2.3", "192.0.2.7", "localhost"} <= set(read.allowed_hosts)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_wildcard_address_is_typed_as_localhost(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("VISIO_HOST", host)
    assert environment.read().address == "http://localhost:8000"
    assert environment.read().loopback_address == "http://127.0.0.1:8000"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "8000.5"])
def test_an_impossible_port_is_named(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(BadEnvironment, match=r"PORT must be a port number from 1 to 65535"):
        environment.read()
