"""Writes docs/conformance.md from what the last run left in build/conformance/."""

import datetime
import json
import sys
from pathlib import Path
from typing import Any

from .conftest import RESULTS

CLIENTS = ("sdk", "chromium", "firefox")
TARGET = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"
GROUPS = {
    "In": "Messages from clients",
    "Out": "Messages to clients",
    "Simulcast": "Simulcast",
    "Wishes": "Receivers' wishes",
    "People": "People",
    "Recovery": "Recovery",
    "Data": "Data",
}
HEAD = """# Conformance

The relay against LiveKit's own clients, one test per line (`tests/conformance`), each in a real call: the
client under test, a Python SDK at the other end, three simulcast layers and a microphone both ways, every
signalling message noted at the relay. Written on {date} by `make conformance` from the run it had just made,
with

{versions}

*passed* means that the client did it by its own means. Where it has no call for a message, or something else
lent a hand, the cell says what.
"""
COLUMNS = "| line | what was seen | Python SDK | Chromium | Firefox |\n|---|---|---|---|---|\n"


class Unfinished(Exception):
    """The run left no result of a client."""


def main() -> None:
    """Exits with 1 where anything failed or was not run."""
    runs = {client: _read(client) for client in CLIENTS}
    versions = "\n".join(f"- {runs[client][0]['version']}" for client in CLIENTS)
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    rows = _rows(runs)
    text = HEAD.format(date=today, versions=versions)
    for group, title in GROUPS.items():
        text += f"\n## {title}\n\n{COLUMNS}"
        text += "".join(_row(name, *row) for (of, name), row in rows.items() if of == group)
    TARGET.write_text(text)
    wrong = [
        f"{name} ({client})"
        for (_, name), (_, cells) in rows.items()
        for client in CLIENTS
        if not _good(cells.get(client))
    ]
    if wrong:
        sys.exit(f"failed or not run: {', '.join(wrong)}")


def _read(client: str) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in (RESULTS / f"{client}.jsonl").read_text().splitlines()]
    except FileNotFoundError:
        raise Unfinished(client) from None


Rows = dict[tuple[str, str], tuple[str, dict[str, dict[str, Any]]]]


def _rows(runs: dict[str, list[dict[str, Any]]]) -> Rows:
    rows: Rows = {}
    for client, results in runs.items():
        for result in results[1:]:
            key = result["group"], result["name"]
            rows.setdefault(key, (" ".join(result["shows"].split()), {}))[1][client] = result
    return rows


def _row(name: str, shows: str, cells: dict[str, dict[str, Any]]) -> str:
    return f"| {name} | {shows} | " + " | ".join(_cell(cells.get(client)) for client in CLIENTS) + " |\n"


def _cell(result: dict[str, Any] | None) -> str:
    if result is None:
        return "not run"
    if result["outcome"] == "skipped":
        return str(result["reason"])
    notes = "; ".join(result["notes"])
    return result["outcome"] + (f" ({notes})" if notes else "")


def _good(result: dict[str, Any] | None) -> bool:
    return result is not None and result["outcome"] in ("passed", "skipped")


if __name__ == "__main__":
    main()
