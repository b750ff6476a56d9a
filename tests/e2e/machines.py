"""Several computers on one: network namespaces joined by virtual cables. Nothing leaves them."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """A network namespace, kept by the process `keeper`."""

    keeper: int

    def inside(self, *command: str) -> list[str]:
        """The command line that runs *command* on this machine."""
        return ["nsenter", f"--target={self.keeper}", "--net", "--", *command]

    def run(self, *command: str) -> str:
        """What the command printed; it must succeed."""
        done = subprocess.run(self.inside(*command), capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def program(self, name: str, folder: Path) -> str:
        """An executable file in *folder* that is the program *name*, run on this machine."""
        found = shutil.which(name)
        assert found is not None
        script = folder / f"{name}-{self.keeper}"
        script.write_text(f'#!/bin/sh\nexec {" ".join(self.inside(found))} "$@"\n')
        script.chmod(0o755)
        return str(script)


@contextmanager
def machines(number: int) -> Iterator[list[Machine]]:
    """So many machines without any cable."""
    with ExitStack() as all_of_them:
        yield [all_of_them.enter_context(_machine()) for _ in range(number)]


@contextmanager
def _machine() -> Iterator[Machine]:
    own = Path("/proc/self/ns/net").readlink()
    with subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) as keeper:
        try:
            deadline = time.monotonic() + 10
            while Path(f"/proc/{keeper.pid}/ns/net").readlink() == own:
                assert time.monotonic() < deadline, "no network namespace could be made"
                time.sleep(0.02)
            machine = Machine(keeper.pid)
            machine.run("ip", "link", "set", "lo", "up")
            yield machine
        finally:
            keeper.kill()


def listening(machine: Machine, address: str, port: int, process: subprocess.Popen[bytes]) -> None:
    """Returns once the program listens at an IPv4 address and a TCP port of the machine."""
    deadline = time.monotonic() + 30
    # /proc/net/tcp: address and port in hex, as the machine's processor has them; 0A is LISTEN.
    wanted = f"{int.from_bytes(socket.inet_aton(address), sys.byteorder):08X}:{port:04X} 00000000:0000 0A"
    while wanted not in machine.run("cat", "/proc/net/tcp"):
        assert process.poll() is None, f"the program ended with {process.returncode}"
        assert time.monotonic() < deadline, f"nobody listens at {address}:{port}"
        time.sleep(0.05)


def cable(one: Machine, ones: Sequence[str], other: Machine, others: Sequence[str]) -> None:
    """Joins two machines; each end gets its addresses, such as ``10.77.0.1/24``, the first preferred."""
    near, far = f"to-{other.keeper}", f"to-{one.keeper}"
    ends = ["ip", "link", "add", near, "netns", str(one.keeper), "type", "veth"]
    subprocess.run([*ends, "peer", "name", far, "netns", str(other.keeper)], check=True)
    for machine, end, addresses in ((one, near, ones), (other, far, others)):
        for address in addresses:
            # Without the search for duplicates an IPv6 address may be used at once.
            machine.run("ip", "addr", "add", address, "dev", end, *(["nodad"] if ":" in address else []))
        machine.run("ip", "link", "set", end, "up")
