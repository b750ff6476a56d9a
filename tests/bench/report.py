"""How every bench reports: a table for people, and JSON with machine, versions, raw runs and summary."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parents[2] / "build" / "bench"
_LIBRARIES = ("aiortc", "pylibsrtp", "daphne", "django", "livekit", "uvloop", "pocketsphinx")


def quick() -> bool:
    """Whether the short form (under a minute) was asked for with QUICK=1."""
    return os.environ.get("QUICK", "") not in ("", "0")


def machine() -> dict[str, Any]:
    """Cores, processor, memory in GiB, kernel: what a figure is worth without is little."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "memory_gib": round(pages / 2**30, 1),
        "kernel": platform.release(),
    }


def spread(values: Sequence[float]) -> str:
    """Median, and least to most."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Aligned columns under a title."""
    cells = [list(columns), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join([title, lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def write(name: str, *, runs: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> Path:
    """Writes ``build/bench/NAME.json`` and returns its path."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.json"
    versions = {library: version(library) for library in _LIBRARIES}
    report = {
        "bench": name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick(),
        "machine": machine(),
        "versions": {"python": platform.python_version(), **versions},
        "runs": list(runs),
        "summary": dict(summary),
    }
    path.write_text(json.dumps(report, indent=1))
    return path
