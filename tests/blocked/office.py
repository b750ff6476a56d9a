"""An office whose firewall lets no UDP out: a relay, a TURN server and the office, each a machine of its own.

The firewall stands at the office's end of the two other machines' cables: what comes in there by UDP goes
nowhere, as with real ones without a word. Between relay and TURN server everything passes.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.blocked.coturn import NAME, Coturn, coturn
from tests.e2e.machines import Machine, cable, listening, machines
from tests.e2e.portal import ROOT
from tests.meetings.relay.standalone_process import Standalone, standalone

RELAY, RELAY_TO_TURN = "10.78.1.1", "10.78.3.1"
TURN, TURN_TO_RELAY = "10.78.2.1", "10.78.3.2"
OFFICE_TO_RELAY, OFFICE_TO_TURN = "10.78.1.2", "10.78.2.2"
MEDIA_PORT, PAGES_PORT = 7882, 8080


@dataclass(frozen=True)
class Network:
    """The three machines, and the TURN server that runs on the second. `hosts` names it for the office."""

    server: Machine
    turn_machine: Machine
    office: Machine
    turn: Coturn
    hosts: Path

    def inside(self, *command: str) -> list[str]:
        """The command line that runs *command* in the office, where the TURN server has a name.

        The name is needed: Firefox asks no TURN server of a bare address over TLS.
        """
        named = 'mount --bind "$0" /etc/hosts && exec "$@"'
        return self.office.inside("unshare", "--mount", "sh", "-c", named, str(self.hosts), *command)

    def variables(self, *urls: str) -> dict[str, str]:
        """What the relay is told of the TURN server."""
        return {"VISIO_TURN_URLS": ",".join(urls), "VISIO_TURN_SECRET": self.turn.secret} if urls else {}


@dataclass(frozen=True)
class Office:
    """A standalone relay in that network; `pages` is where the browsers' page is found."""

    network: Network
    relay: Standalone
    pages: str


@contextmanager
def blocked_network(folder: Path, *, media_tcp: bool, udp: bool = False) -> Iterator[Network]:
    """Without `media_tcp` the firewall also keeps people from the relay's media port in TCP, as one does that
    lets through 443 alone; with `udp` it is as open as anybody could wish."""
    with ExitStack() as stack:
        server, turn, office = stack.enter_context(machines(3))
        cable(server, [f"{RELAY}/24"], office, [f"{OFFICE_TO_RELAY}/24"])
        cable(turn, [f"{TURN}/24"], office, [f"{OFFICE_TO_TURN}/24"])
        cable(server, [f"{RELAY_TO_TURN}/24"], turn, [f"{TURN_TO_RELAY}/24"])
        # The relay announces its address towards the office; the TURN server finds it by the other cable.
        turn.run("ip", "route", "add", f"{RELAY}/32", "via", RELAY_TO_TURN)
        # Firefox reaches for the TURN server, too, from the address at which it reaches its page.
        turn.run("ip", "route", "add", f"{OFFICE_TO_RELAY}/32", "dev", f"to-{office.keeper}")
        for machine in (server, turn):
            _firewall(machine, f"to-{office.keeper}", media_tcp=media_tcp, udp=udp)
        turned = stack.enter_context(coturn(folder, turn, TURN, relay_ip=TURN_TO_RELAY, peer=RELAY))
        hosts = folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{TURN} {NAME}\n")
        if not udp:
            _no_udp(office, turned)
        yield Network(server, turn, office, turned, hosts)


@contextmanager
def blocked_office(
    folder: Path, *, urls: Sequence[str] = (), media_tcp: bool, udp: bool = False
) -> Iterator[Office]:
    """`urls` are what the relay tells of the TURN server."""
    with ExitStack() as stack:
        network = stack.enter_context(blocked_network(folder, media_tcp=media_tcp, udp=udp))
        arguments = ["--bind", RELAY, "--node-ip", RELAY, "--udp-port", str(MEDIA_PORT)]
        told = network.variables(*urls)
        relay = stack.enter_context(standalone(folder, *arguments, variables=told, on=network.server))
        # From the relay's machine, as with a portal: Firefox sends media from where it reaches its page.
        stack.enter_context(_pages(network.server))
        yield Office(network, relay, f"http://{RELAY}:{PAGES_PORT}")


@contextmanager
def _pages(server: Machine) -> Iterator[None]:
    command = server.inside(sys.executable, "-m", "tests.conformance.pages", RELAY, str(PAGES_PORT))
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            listening(server, RELAY, PAGES_PORT, process)
            yield
        finally:
            process.terminate()


def _firewall(machine: Machine, cable_end: str, *, media_tcp: bool, udp: bool) -> None:
    """Routing rules that come before the machine's own addresses: no tool beyond `ip` is needed."""
    rules = [] if udp else [["ipproto", "udp"]]
    if not media_tcp:
        rules.append(["ipproto", "tcp", "dport", str(MEDIA_PORT)])
    for rule in rules:
        machine.run("ip", "rule", "add", "pref", "10", "iif", cable_end, *rule, "blackhole")
    machine.run("ip", "rule", "add", "pref", "100", "lookup", "local")
    machine.run("ip", "rule", "del", "pref", "0")


def _no_udp(office: Machine, turned: Coturn) -> None:
    """The firewall does what it should: the TURN server answers a check by TCP and not by UDP."""
    ask = (
        "import socket, sys; kind = getattr(socket, 'SOCK_' + sys.argv[1]);"
        "asking = socket.socket(socket.AF_INET, kind); asking.settimeout(float(sys.argv[2]));"
        f"asking.connect(({TURN!r}, {turned.port}));"
        "asking.send(bytes.fromhex('000100002112a442' + '00' * 12)); print(len(asking.recv(99)) > 20)"
    )
    assert office.run(sys.executable, "-c", ask, "STREAM", "10").strip() == "True"
    silent = office.inside(sys.executable, "-c", ask, "DGRAM", "0.5")
    done = subprocess.run(silent, capture_output=True, text=True, timeout=30)
    assert "TimeoutError" in done.stderr, f"UDP is not blocked: {done.stdout} {done.stderr}"
