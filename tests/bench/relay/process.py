"""What a server uses, from /proc: all threads of all processes of its group."""

import os
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """CPU in s by /proc/PID/stat (steps of 10 ms); `exact`: by the scheduler's clock, of threads alive."""

    cpu: float
    exact: float


def usage(group: int) -> Usage:
    ticks = exact = 0
    for process in members(group):
        fields = _stat(process)
        ticks += int(fields[11]) + int(fields[12])
        for thread in process.glob("task/*/schedstat"):
            try:
                exact += int(thread.read_text().split()[0])
            except OSError:
                continue
    return Usage(ticks / _TICK, exact / 1e9)


def resident(group: int) -> int:
    """Bytes."""
    return sum(int((process / "statm").read_text().split()[1]) * _PAGE for process in members(group))


def members(group: int) -> list[Path]:
    """Processes whose group is *group*."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int(_stat(process)[2]) == group:
                found.append(process)
        except OSError:
            continue
    return found


def _stat(process: Path) -> list[str]:
    """From the third field on: names may hold blanks and brackets (man 5 proc)."""
    return (process / "stat").read_text().rsplit(")", 1)[1].split()
