"""Installs what the tests need from Debian, where that is allowed; otherwise names what is missing.

Run as a plain script by the Python of the system: standard library only.
"""

import os
import shutil
import subprocess
import sys

PROGRAMS = {
    "chromium": "chromium",
    "flite": "flite",
    "ffmpeg": "ffmpeg",
    "ip": "iproute2",
    "unshare": "util-linux",
    "msgfmt": "gettext",
}


def missing() -> list[str]:
    """Debian packages whose program is not there."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    return sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})


def main() -> None:
    wanted = missing()
    if not wanted:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        print("Installing for the tests:", *wanted, flush=True)
        subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False)
        subprocess.run(["apt-get", "install", "-qq", "-y", *wanted], env=environment, check=False)
    if left := missing():
        sys.exit(f"The tests need these Debian packages: {' '.join(left)} (apt install {' '.join(left)})")


if __name__ == "__main__":
    main()
