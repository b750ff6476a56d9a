"""Writes docs/conformance.md from what the last run left in build/conformance/."""

import datetime
import json
import sys
from pathlib import Path
from typing import Any

from .conftest import RESULTS

CLIENTS = ("sdk", "chromium", "firefox")
PLANES = ("native", "portable")
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
signalling message noted at the relay; all of it on the native data plane and on the portable one. Written on
{date} by `make conformance` from the runs it had just made, with

{versions}

*passed* means that the client did it by its own means, on either plane. Where it has no call for a message,
or something else lent a hand, the cell says what.
"""
COLUMNS = "| line | what was seen | Python SDK | Chromium | Firefox |\n|---|---|---|---|---|\n"


class Unfinished(Exception):
    """The run left no result of a client."""


def main() -> None:
    """Exits with 1 where anything failed or was not run."""
    runs = {plane: {client: _read(plane, client) for client in CLIENTS} for plane in PLANES}
    versions = "\n".join(f"- {runs[PLANES[0]][client][0]['version']}" for client in CLIENTS)
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    rows = _rows(runs)
    text = HEAD.format(date=today, versions=versions)
    for group, title in GROUPS.items():
        text += f"\n## {title}\n\n{COLUMNS}"
        text += "".join(_row(name, *row) for (of, name), row in rows.items() if of == group)
    TARGET.write_text(text)
    wrong = [
        f"{name} ({client}, {plane})"
        for (_, name), (_, cells) in rows.items()
        for client in CLIENTS
        for plane in PLANES
        if not _good(cells.get((plane, client)))
    ]
    if wrong:
        sys.exit(f"failed or not run: {', '.join(wrong)}")


def _read(plane: str, client: str) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in (RESULTS / plane / f"{client}.jsonl").read_text().splitlines()]
    except FileNotFoundError:
        raise Unfinished(f"{client} on the {plane} plane") from None


# By plane and client.
Cells = dict[tuple[str, str], dict[str, Any]]
Rows = dict[tuple[str, str], tuple[str, Cells]]


def _rows(runs: dict[str, dict[str, list[dict[str, Any]]]]) -> Rows:
    rows: Rows = {}
    for plane, clients in runs.items():
        for client, results in clients.items():
            for result in results[1:]:
                key = result["group"], result["name"]
                rows.setdefault(key, (" ".join(result["shows"].split()), {}))[1][plane, client] = result
    return rows


def _row(name: str, shows: str, cells: Cells) -> str:
    return f"| {name} | {shows} | " + " | ".join(_both(cells, client) for client in CLIENTS) + " |\n"


def _both(cells: Cells, client: str) -> str:
    """One word where the planes agree."""
    said = {plane: _cell(cells.get((plane, client))) for plane in PLANES}
    if len(set(said.values())) == 1:
        return said[PLANES[0]]
    return "; ".join(f"{plane}: {cell}" for plane, cell in said.items())


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
