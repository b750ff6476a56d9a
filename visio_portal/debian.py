"""Programs that come from Debian: found, installed where that is allowed, or named."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# Where Debian keeps PostgreSQL's programs, which several versions of it share; the newest is used.
_POSTGRESQL = Path("/usr/lib/postgresql")


def find(program: str) -> str | None:
    """The program's path, also where only root's or no PATH leads to it."""
    versions = sorted(_POSTGRESQL.glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", *map(str, versions)])
    return shutil.which(program, path=path)


def ensure(programs: Mapping[str, str], who: str) -> None:
    """Sees to it that the programs, each with its package, are there; or ends, saying what *who* needs."""
    if not (wanted := _missing(programs)):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        print("Installing:", *wanted, flush=True)
        subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False)
        subprocess.run(["apt-get", "install", "-qq", "-y", *wanted], env=environment, check=False)
    if left := _missing(programs):
        sys.exit(f"{who} needs these Debian packages: {' '.join(left)} (apt install {' '.join(left)})")


def _missing(programs: Mapping[str, str]) -> list[str]:
    return sorted({package for program, package in programs.items() if not find(program)})
