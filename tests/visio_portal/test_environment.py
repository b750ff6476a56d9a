"""The operator's variables: what they mean, and one clear sentence where they cannot be used."""

import ipaddress
import os
from pathlib import Path

import pytest

from visio_portal import environment
from visio_portal.environment import BadEnvironment


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name == "PORT" or name.startswith("VISIO_")]:
        monkeypatch.delenv(name)


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


def test_with_tls_people_type_https_and_the_portal_itself_stays_on_loopback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VISIO_TLS", "self-signed")
    monkeypatch.setenv("VISIO_HOST", "[fd77::1]")
    monkeypatch.setenv("VISIO_DATA", str(tmp_path))
    read = environment.read()
    assert read.address == "https://[fd77::1]:8000"
    assert read.addresses_elsewhere == (read.address,)
    assert read.loopback_address == "http://127.0.0.1:8000"
    assert "[fd77::1]" in read.allowed_hosts
    assert read.https
    assert read.certificate() is not None


def test_an_impossible_certificate_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIO_TLS", "/nowhere.pem:/nowhere.key")
    with pytest.raises(BadEnvironment, match=r"VISIO_TLS=.*: /nowhere\.pem cannot be read"):
        environment.read().certificate()


def test_a_wildcard_is_reached_at_each_address_of_its_families(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "announced_addresses", lambda: ("2a00::1", "10.0.0.1"))
    assert environment.read().addresses_elsewhere == ()
    monkeypatch.setenv("VISIO_HOST", "0.0.0.0")
    assert environment.read().addresses_elsewhere == ("http://10.0.0.1:8000",)
    monkeypatch.setenv("VISIO_HOST", "::")
    assert environment.read().addresses_elsewhere == ("http://[2a00::1]:8000", "http://10.0.0.1:8000")
    assert not set(environment.read().allowed_hosts) & {"::", "[::]", "0.0.0.0"}


def test_media_addresses_of_both_families_are_taken_and_others_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIO_MEDIA_IP", "10.1.2.3, [2A00:0::7]")
    read = environment.read()
    assert read.media_addresses == ("10.1.2.3", "2a00::7")
    assert {"10.1.2.3", "[2a00::7]"} <= set(read.allowed_hosts)
    monkeypatch.setenv("VISIO_MEDIA_IP", "10.1.2.3,my-host")
    with pytest.raises(BadEnvironment, match=r"VISIO_MEDIA_IP must list IP addresses.*my-host"):
        environment.read()


def test_proxies_are_addresses_or_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.read().trusted_proxies == ()
    monkeypatch.setenv("VISIO_TRUSTED_PROXIES", "127.0.0.1, fd00::/8")
    read = environment.read()
    assert read.trusted_proxies == (ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("fd00::/8"))
    assert read.https
    monkeypatch.setenv("VISIO_TRUSTED_PROXIES", "2")
    with pytest.raises(BadEnvironment, match="VISIO_TRUSTED_PROXIES must list addresses or networks"):
        environment.read()


def test_a_relay_apart_is_found_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.read().relay_url == ""
    monkeypatch.setenv("VISIO_RELAY_URL", "http://127.0.0.1:7880/")
    assert environment.read().relay_url == "http://127.0.0.1:7880"


def test_several_relays_register_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIO_RELAY_URL", "registered")
    assert environment.read().relay_url == environment.REGISTERED


@pytest.mark.parametrize(
    "url", ["127.0.0.1:7880", "register", "ws://a", "http://", "http://a:x", "http://a:0"]
)
def test_an_address_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("VISIO_RELAY_URL", url)
    with pytest.raises(BadEnvironment, match="VISIO_RELAY_URL"):
        environment.read()
