"""Builds the native plane with whatever Rust toolchain there is, or with Debian's, where root asks for it.

Run as a plain script, before anything is installed: standard library only. `build.py` alone fails where it
cannot build; `build.py --where-possible` says so in one line, and the portable plane serves.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE / "target"
LIBRARY = TARGET / "release" / "libvisio_dataplane.so"
_MARK = TARGET / "built-from"
# The sources that could not be built, so that a second start does not try again.
_FAILED = TARGET / "not-built-from"
_PACKAGES = ("cargo", "rustc")


class CannotBuild(Exception):
    """Why not, in half a sentence."""


def sources_digest() -> str:
    """Of everything the library is made of."""
    files = [HERE / "Cargo.toml", HERE / "Cargo.lock", *sorted((HERE / "src").rglob("*.rs"))]
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(HERE)}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def is_current() -> bool:
    """Whether the library is there and made of these sources."""
    return LIBRARY.exists() and _MARK.exists() and _MARK.read_text() == sources_digest()


def find_cargo() -> str | None:
    """Cargo on the PATH, or where rustup puts it."""
    return shutil.which("cargo") or shutil.which(str(Path.home() / ".cargo" / "bin" / "cargo"))


def build(*features: str) -> Path:
    """The library, built where need be; with *features* in a folder of its own. Raises CannotBuild."""
    if not features and is_current():
        return LIBRARY
    cargo = find_cargo()
    if cargo is None:
        raise CannotBuild("there is no Rust toolchain")
    target = TARGET / "-".join(features) if features else TARGET
    digest = sources_digest()
    chosen = ["--features", ",".join(features)] if features else []
    done = subprocess.run(
        [cargo, "build", "--release", "--offline", "--quiet", *chosen],
        cwd=HERE,
        env={**os.environ, "CARGO_TARGET_DIR": str(target)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise CannotBuild(f"cargo failed: {(done.stderr.strip().splitlines() or ['without a word'])[-1]}")
    if not features:
        _MARK.write_text(digest)
    return target / "release" / LIBRARY.name


def build_where_possible() -> None:
    """What an installation does: never fails, tries once, and says what takes its time."""
    if is_current() or (_FAILED.exists() and _FAILED.read_text() == sources_digest() + str(find_cargo())):
        return
    try:
        if find_cargo() is None:
            _install_toolchain()
        print("Building the native data plane (10 to 30 seconds, once) …", flush=True)
        build()
    except CannotBuild as reason:
        print(f"Packets will be forwarded in Python, which costs more: {reason}.", flush=True)
        TARGET.mkdir(exist_ok=True)
        _FAILED.write_text(sources_digest() + str(find_cargo()))


def _install_toolchain() -> None:
    """Raises CannotBuild where that is not allowed, or does not work."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotBuild("there is no Rust toolchain (on Debian: apt install cargo)")
    print("Installing Debian's Rust toolchain (60 MB) …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *_PACKAGES]):
        done = subprocess.run(["apt-get", *words], env=environment, capture_output=True)
    if done.returncode or find_cargo() is None:
        raise CannotBuild("apt could not install a Rust toolchain")


if __name__ == "__main__":
    if sys.argv[1:] == ["--where-possible"]:
        build_where_possible()
        sys.exit()
    try:
        print(build(*sys.argv[1:]))
    except CannotBuild as reason:
        sys.exit(f"The native data plane was not built: {reason}.")
