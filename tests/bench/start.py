"""How long Visio takes to be ready: `make bench-start`.

First start is that of an installed Visio with an empty data folder (keys, migrations, demo accounts); the
second finds them there. Installation itself depends on the network and is not measured.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.bench import report
from tests.e2e.portal import ROOT, environment, free_port


def start_seconds(data: Path) -> dict[str, float]:
    """Seconds from the command to “ready”, and to the first page answered."""
    port = free_port()
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--demo"],
        cwd=ROOT,
        env=environment(data, port),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "Visio is ready" in line:
                break
        ready = time.monotonic() - began
        with urlopen(f"http://127.0.0.1:{port}/accounts/login/", timeout=30) as page:
            assert page.status == 200
        return {"ready": ready, "first_page": time.monotonic() - began}
    finally:
        process.terminate()
        process.communicate()


def main() -> None:
    runs: list[dict[str, Any]] = []
    for number in range(2 if report.quick() else 7):
        with tempfile.TemporaryDirectory() as folder:
            runs.append({"run": number, "start": "first", **start_seconds(Path(folder, "data"))})
            runs.append({"run": number, "start": "second", **start_seconds(Path(folder, "data"))})
    rows, summary = [], {}
    for kind in ("first", "second"):
        ready = [run["ready"] for run in runs if run["start"] == kind]
        page = [run["first_page"] for run in runs if run["start"] == kind]
        rows.append((kind, report.spread(ready), report.spread(page)))
        summary[f"{kind}_start_ready_s"] = sorted(ready)[len(ready) // 2]
    print(
        report.table(
            "Start of an installed Visio, seconds: median (least–most)",
            ("start", "ready", "first page"),
            rows,
        )
    )
    print(report.write("start", runs=runs, summary=summary))


if __name__ == "__main__":
    main()
