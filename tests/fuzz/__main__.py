"""``make fuzz``: mutates what is known of one target, guided by the lines it reaches (atheris, libFuzzer).

``python -m tests.fuzz TARGET [RUNS [SECONDS]]`` (0: without end) works in ``build/fuzz/TARGET`` and prints
libFuzzer's figures; ``python -m tests.fuzz keep TARGET`` then puts the smallest inputs that reach as
much into the corpus of the repository. An input that breaks a promise is left in ``build/fuzz`` as
``crash-…``: turn it into a test with a name.
"""

import importlib
import logging
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fuzz.corpus import TARGETS, kept, pack

WORK = Path(__file__).resolve().parents[2] / "build" / "fuzz"
# The longest input, in bytes: enough for every shape, short enough to be quick.
LONGEST = {"stun": 160, "rtp": 400, "rtcp": 500, "sdp": 2_500, "tokens": 900, "records": 600}
_INSTRUMENTED = ["meetings", "jwt"]
_KEPT_BYTES = 40_000


def main(arguments: list[str]) -> None:
    if arguments[0] == "keep":
        keep(arguments[1])
        return
    name, runs, seconds = (*arguments, "0", "0")[:3]
    fuzz(name, int(runs), int(seconds))


def fuzz(name: str, runs: int, seconds: int) -> None:
    """Does not come back: libFuzzer ends the process."""
    import atheris

    found = WORK / name
    found.mkdir(parents=True, exist_ok=True)
    target = _instrumented(name)
    for number, data in enumerate([*target.seeds(), *kept(name)]):
        (found / f"known-{number:04d}").write_bytes(data)
    options = [f"-max_len={LONGEST.get(name, 2_000)}", "-timeout=10", "-rss_limit_mb=2048"]
    options += [f"-artifact_prefix={WORK}/{name}-", "-print_final_stats=1"]
    options += [f"-runs={runs}"] if runs else []
    options += [f"-max_total_time={seconds}"] if seconds else []
    atheris.Setup([f"fuzz-{name}", str(found), *options], target.run)
    atheris.Fuzz()


def _instrumented(name: str) -> Any:
    """The target, with everything that it reads by reporting which lines are reached."""
    import atheris

    logging.disable(logging.WARNING)
    with atheris.instrument_imports(include=_INSTRUMENTED, enable_loader_override=False):
        target = importlib.import_module(f"tests.fuzz.{name}")
        target.run(next(iter(target.seeds())))  # whatever is imported late
    return target


def keep(name: str) -> None:
    """Minimises what was found with libFuzzer's merge, and packs it."""
    merged = WORK / f"{name}-merged"
    merged.mkdir(parents=True, exist_ok=True)
    for old in merged.iterdir():
        old.unlink()
    again = _merging_program(name)
    options = ["-merge=1", f"-max_len={LONGEST.get(name, 2_000)}"]
    subprocess.run([again, *options, str(merged), str(WORK / name)], check=True, capture_output=True)
    inputs = sorted((path.read_bytes() for path in merged.iterdir()), key=lambda data: (len(data), data))
    chosen, size = [], 0
    for data in inputs:
        size += len(data)
        if size > _KEPT_BYTES:
            break
        chosen.append(data)
    pack(name, chosen)
    print(f"{name}: {len(chosen)} of {len(inputs)} inputs kept, {sum(map(len, chosen))} bytes")


def _merging_program(name: str) -> str:
    """libFuzzer merges in a child, which it starts by its own name."""
    path = WORK / f"{name}-merge"
    code = f"import sys; from tests.fuzz.__main__ import merge; merge({name!r}, {str(path)!r}, sys.argv[1:])"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
    path.chmod(0o700)
    return str(path)


def merge(name: str, program: str, arguments: list[str]) -> None:
    """Does not come back, like `fuzz`."""
    import atheris

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    atheris.Setup([program, *arguments], _instrumented(name).run)
    atheris.Fuzz()


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in (*TARGETS, "keep"):
        sys.exit(f"which target? {' '.join(TARGETS)}")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main(sys.argv[1:])
