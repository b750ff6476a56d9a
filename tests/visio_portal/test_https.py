"""The server with ``VISIO_TLS``: HTTPS for everybody, plain HTTP for the machine's own calls."""

import hashlib
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.portal import ROOT, Portal, environment, running_portal


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    data = tmp_path_factory.mktemp("https")
    with running_portal(data, "--verbosity=1", variables={"VISIO_TLS": "self-signed"}) as running:
        yield running


def _trusting(portal: Portal) -> ssl.SSLContext:
    """As somebody who compared the fingerprint and then trusted exactly this certificate."""
    served = ssl.get_server_certificate(("127.0.0.1", portal.port))
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(served)).hexdigest()
    assert digest == portal.fingerprint.replace(":", "").lower()
    return ssl.create_default_context(cadata=served)


def _ask(portal: Portal, request: str, *, context: ssl.SSLContext | None = None) -> str:
    with socket.create_connection(("127.0.0.1", portal.port), timeout=10) as plain:
        stream = context.wrap_socket(plain, server_hostname="localhost") if context else plain
        with stream:
            stream.sendall(f"{request} HTTP/1.1\r\nHost: localhost:{portal.port}\r\n".encode())
            stream.sendall(b"Connection: close\r\n\r\n")
            return b"".join(iter(lambda: stream.recv(65536), b"")).decode("utf-8", "replace")


def test_pages_come_over_https_with_secure_cookies_and_without_hsts(portal: Portal) -> None:
    answer = _ask(portal, "GET /accounts/login/", context=_trusting(portal))
    head = answer.partition("\r\n\r\n")[0]
    assert head.startswith("HTTP/1.1 200")
    cookies = [line for line in head.splitlines() if line.lower().startswith("set-cookie:")]
    assert cookies
    assert all("; Secure" in cookie for cookie in cookies)
    assert "strict-transport-security" not in head.lower()


def test_the_socket_of_a_call_is_reached_over_https(portal: Portal) -> None:
    """A forged token is refused by the relay itself: the upgrade went through."""
    upgrade = (
        "GET /rtc/v1?access_token=x HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX: "
    )
    answer = _ask(portal, upgrade.replace("\r\nUpgrade", "\r\nConnection: Upgrade\r\nUpgrade"),
                  context=_trusting(portal))  # fmt: skip
    assert answer.startswith("HTTP/1.1 403")
    portal.wait_for_log("refused")


def test_this_machine_reaches_its_portal_over_plain_http(portal: Portal) -> None:
    assert _ask(portal, "GET /accounts/login/").startswith("HTTP/1.1 200")


@pytest.mark.parametrize(
    ("version", "accepted"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_nothing_older_than_tls_1_2_is_spoken(
    portal: Portal, version: ssl.TLSVersion, accepted: bool
) -> None:
    context = _trusting(portal)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    if accepted:
        assert _ask(portal, "GET /accounts/login/", context=context)
    else:
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            _ask(portal, "GET /accounts/login/", context=context)


@pytest.mark.parametrize(
    ("variables", "promised"),
    [
        ({}, "0 False False"),
        ({"VISIO_TLS": "self-signed"}, "0 True True"),
        ({"VISIO_TLS": "cert.pem:key.pem"}, "2592000 True True"),
        ({"VISIO_TRUSTED_PROXIES": "127.0.0.1"}, "0 True True"),
    ],
)
def test_what_browsers_are_told_fits_the_certificate(
    tmp_path: Path, variables: dict[str, str], promised: str
) -> None:
    """HSTS with a self-signed certificate would take away the way past the browser's warning."""
    ask = (
        "from visio_portal import settings as s;"
        "print(s.SECURE_HSTS_SECONDS, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE)"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=ROOT,
        env={**environment(tmp_path, 8000), **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == promised


def test_no_http2_is_offered(portal: Portal) -> None:
    context = _trusting(portal)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", portal.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as stream,
    ):
        assert stream.selected_alpn_protocol() == "http/1.1"
