"""`manage.py turn_check` against a real coturn: what it says of one that works and of those that do not."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from aioice import turn

from meetings.management.turn_probe import NoRelayedAddress, relayed_address
from meetings.relay.server import TurnServers
from tests.blocked.coturn import NAME, PORT, TLS_PORT, Coturn, coturn
from tests.e2e.machines import Machine
from tests.e2e.portal import ROOT

pytestmark = [pytest.mark.media]

HERE = "10.77.0.1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    with coturn(
        tmp_path_factory.mktemp("turn"), Machine(os.getpid()), HERE, relay_ip=HERE, peer=HERE
    ) as made:
        yield made


def _check(server: Coturn, folder: Path, urls: str, secret: str = "") -> subprocess.CompletedProcess[str]:
    """Where the server's name is known and its authority trusted, as on the relay's machine."""
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{HERE} {NAME}\n")
    named = 'mount --bind "$0" /etc/hosts && exec "$@"'
    told = {
        "VISIO_DATA": str(folder / "data"),
        "VISIO_TURN_URLS": urls,
        "VISIO_TURN_SECRET": secret or server.secret,
        "SSL_CERT_FILE": str(server.authority),
    }
    command = ["unshare", "--mount", "sh", "-c", named, str(hosts), sys.executable, "manage.py", "turn_check"]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **told}, capture_output=True, text=True, timeout=60
    )


def test_servers_that_work_say_where_they_relay_from(server: Coturn, tmp_path: Path) -> None:
    urls = f"turn:{NAME}:{PORT},turn:{HERE}:{PORT}?transport=tcp,turns:{NAME}:{TLS_PORT}"
    done = _check(server, tmp_path, urls)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.partition(": relays from ")[0] for line in lines] == urls.split(",")
    assert all(f": relays from {HERE}:" in line for line in lines)


def test_what_is_wrong_is_said_of_each(server: Coturn, tmp_path: Path) -> None:
    with closing(socket.socket()) as probe:
        probe.bind((HERE, 0))
        nobody = probe.getsockname()[1]
    urls = f"turn:{NAME}:{PORT}?transport=tcp,turn:{HERE}:{nobody}?transport=tcp,turns:{HERE}:{TLS_PORT}"
    done = _check(server, tmp_path, urls, secret="another-one")
    assert done.returncode == 1
    refused, closed, misnamed = done.stdout.splitlines()
    assert "refuses our password: is VISIO_TURN_SECRET its static-auth-secret" in refused
    assert "Connect call failed" in closed or "Connection refused" in closed
    assert "certificate" in misnamed.lower()
    assert done.stderr.strip() == "CommandError: 3 of 3 TURN servers cannot be used."
    assert "another-one" not in done.stdout + done.stderr


def test_without_servers_it_says_which_settings_name_them(server: Coturn, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VISIO_TURN")}
    done = subprocess.run(
        [sys.executable, "manage.py", "turn_check"],
        cwd=ROOT,
        env={**kept, "VISIO_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "VISIO_TURN_URLS and VISIO_TURN_SECRET" in done.stderr


async def test_a_relayed_address_outlives_its_password_and_a_new_one_needs_a_new_password(
    server: Coturn,
) -> None:
    """What `turn.LIFETIME` relies on: nobody is thrown out of a long call."""
    servers = TurnServers((f"turn:{HERE}:{PORT}",), server.secret, lifetime=2)
    login = servers.for_person("ann", time.time())
    relayed, _ = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol, (HERE, PORT), username=login.username, password=login.credential
    )
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as peer:
        peer.bind((HERE, 0))
        peer.setblocking(False)
        await asyncio.sleep(4)
        async with asyncio.timeout(10):
            # The first packet to a peer asks for a permission and a channel: signed requests.
            relayed.sendto(b"still here", peer.getsockname())
            assert await asyncio.get_running_loop().sock_recv(peer, 99) == b"still here"
    relayed.close()
    with pytest.raises(NoRelayedAddress, match="refuses our password"):
        await relayed_address(servers.urls[0], login.username, login.credential)
