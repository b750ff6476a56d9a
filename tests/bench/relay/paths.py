"""Where packets go: over `lo`, or over a veth pair into a second network namespace.

Local addresses are routed over `lo` even when they are another interface's, so a pair within one namespace
would be loopback. A veth hands a UDP GSO message over whole; `cut` makes the kernel divide it first, as for
a network card that cannot. Server and generator have a core each, but on the path named `free`, where the
server runs on whichever core the system gives it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from visio_portal.environment import ROOT

SERVER_ADDRESS: Final = "10.77.0.1"  # of veth-a, see tests/netns.sh
_FAR_ADDRESS: Final = "10.77.0.2"
NAMES: Final = ("loopback", "veth", "veth, GSO cut", "loopback, free")
_INSIDE: Final = "VISIO_BENCH_NAMESPACE"


def enter_namespace() -> None:
    """Starts this program again in a throw-away namespace, unless it is there already."""
    if os.environ.get(_INSIDE):
        return
    os.environ[_INSIDE] = "1"
    program = [sys.executable, "-m", sys.modules["__main__"].__spec__.name.removesuffix(".__main__")]  # type: ignore[union-attr]
    os.execv(ROOT / "tests" / "netns.sh", ["tests/netns.sh", *program])


@dataclass(frozen=True)
class Far:
    """The namespace with the other end of the pair, held by a sleeping process."""

    holder: int

    def generator(self, path: str) -> tuple[list[str], str]:
        """What precedes the generator's command, and the address it takes."""
        if path.startswith("loopback"):
            return [], SERVER_ADDRESS
        return ["nsenter", "--target", str(self.holder), "--net"], _FAR_ADDRESS

    def prepare(self, path: str) -> None:
        cut = "off" if path.endswith("cut") else "on"
        _run("ethtool", "-K", "veth-a", "tx-udp-segmentation", cut)


@contextmanager
def far() -> Iterator[Far]:
    """Moves veth-b away for as long as the block lasts."""
    with subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity"], stdout=-1
    ) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            inside = ["nsenter", "--target", str(holder.pid), "--net", "ip"]
            _run("ip", "link", "set", "veth-b", "netns", f"/proc/{holder.pid}/ns/net")
            _run(*inside, "link", "set", "lo", "up")
            _run(*inside, "address", "add", f"{_FAR_ADDRESS}/24", "dev", "veth-b")
            _run(*inside, "link", "set", "veth-b", "up")
            yield Far(holder.pid)
        finally:
            holder.kill()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"})
