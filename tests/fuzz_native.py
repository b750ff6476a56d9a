"""`make fuzz-native`: fuzzes the native plane's media with libFuzzer, on stable Rust.

What is found lies in build/fuzz-native/. The repository keeps a set of inputs that reaches all that was
reached, one in hexadecimal a line, which `cargo test` replays; `make fuzz-native-keep` makes it anew.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

CRATE: Final = Path(__file__).parents[1] / "meetings/relay/dataplane/native/fuzz"
KEPT: Final = CRATE / "inputs.txt"
WORK: Final = Path(__file__).parents[1] / "build/fuzz-native"
LONGEST: Final = "-max_len=400"

# What rustc takes of LLVM's instrumentation without a nightly toolchain.
_COVERAGE: Final = ("level=4", "inline-8bit-counters", "pc-table", "trace-compares")


def build() -> Path:
    """The fuzzer's program; ends where the compiler or libFuzzer is missing."""
    # The one that Debian has, whatever the version of LLVM, unless the environment names another.
    runtimes = sorted(Path("/usr/lib").glob("llvm-*/lib/libFuzzer.a"))
    runtime = os.environ.get("LIBFUZZER") or (str(runtimes[-1]) if runtimes else None)
    if runtime is None or shutil.which("cargo") is None:
        sys.exit("make fuzz-native needs Rust and libFuzzer (apt install cargo libfuzzer-14-dev g++)")
    flags = ["-C passes=sancov-module"]
    flags += [f"-C llvm-args=-sanitizer-coverage-{option}" for option in _COVERAGE]
    # Without --target the build script would be instrumented, too.
    described = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    host = next(line.split()[1] for line in described.splitlines() if line.startswith("host:"))
    places = ["--manifest-path", CRATE / "Cargo.toml", "--target-dir", WORK / "target"]
    subprocess.run(
        ["cargo", "build", "--release", "--offline", "--quiet", "--target", host, *places],
        env={**os.environ, "RUSTFLAGS": " ".join(flags), "LIBFUZZER": runtime},
        check=True,
    )
    return WORK / "target" / host / "release" / "media"


def unpack() -> Path:
    """The folder of what was found so far, with what the repository keeps."""
    corpus = WORK / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(KEPT.read_text().split()):
        (corpus / f"kept-{number:04}").write_bytes(bytes.fromhex(line))
    return corpus


def keep() -> None:
    """Takes the fewest inputs that reach all that was reached into the repository."""
    fuzzer, corpus, chosen = build(), unpack(), WORK / "chosen"
    shutil.rmtree(chosen, ignore_errors=True)
    chosen.mkdir()
    subprocess.run([fuzzer, "-set_cover_merge=1", LONGEST, chosen, corpus], check=True)
    lines = sorted(path.read_bytes().hex() for path in chosen.iterdir())
    KEPT.write_text("\n".join(lines) + "\n")


def main(runs: int, seconds: int) -> int:
    """Fuzzes for so many inputs or seconds, 0 for no end; the fuzzer's own status."""
    fuzzer, corpus, crashes = build(), unpack(), WORK / "crashes"
    crashes.mkdir(exist_ok=True)
    bounds = [f"-runs={runs or -1}", f"-max_total_time={seconds}"]
    shown = ["-print_final_stats=1", f"-artifact_prefix={crashes}/"]
    return subprocess.run([fuzzer, corpus, LONGEST, *bounds, *shown], check=False).returncode


if __name__ == "__main__":
    if sys.argv[1:] == ["keep"]:
        keep()
    else:
        sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
