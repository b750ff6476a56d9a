"""What viewers see and hear on bad paths: `make bench-impairment`.

A publisher and a subscriber, pages of one Chromium, meet through our relay (either data plane) and through
Debian's Janus (VideoRoom). Between server and subscriber stands an impairer that gets bad for a while,
scene after scene in one call, and then is good again. Samples come from the subscriber's getStats.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench import report
from tests.bench.impairment.analysis import Figures
from tests.bench.impairment.call import Call
from tests.bench.impairment.scenes import QUICK, SCENES
from tests.bench.impairment.servers import NAMES, PORTS, NotOffered, running
from tests.peers.impairment import Impairment
from visio_portal.environment import ROOT

BROWSERS, SERVER, IMPAIRED = "10.77.0.1", "10.77.0.2", "10.77.0.3"


def measure(name: str, folder: Path) -> list[dict[str, Any]]:
    scenes = QUICK if report.quick() else SCENES
    seconds = 10.0 if report.quick() else 14.0
    runs: list[dict[str, Any]] = []
    with running(name, SERVER, folder) as url, Impairment(IMPAIRED, SERVER, PORTS) as path:

        async def calls() -> None:
            async with Call(BROWSERS, folder / f"profile-{name}", (SERVER, IMPAIRED)) as call:
                await call.begin("janus" if name == "janus" else "livekit", url)
                for scene in scenes:
                    found = await call.through(scene, path, seconds)
                    print(f"  {name}, {scene.name}: {line(found)}", flush=True)
                    runs.append({"server": name, "scene": scene.name, **asdict(found), "width": found.width})

        asyncio.run(calls())
    return runs


def line(found: Figures) -> str:
    back = "not in time" if found.recovery is None else f"{found.recovery:.1f} s"
    return (
        f"{found.frozen:.1f} s/min frozen, {found.paused:.1f} paused, {found.concealed:.1%} concealed, "
        f"{found.width} wide, full after {back}"
    )


def show(runs: list[dict[str, Any]]) -> str:
    rows = [
        (
            run["scene"],
            run["server"],
            f"{run['frozen']:.1f}",
            f"{run['paused']:.1f}",
            f"{100 * run['concealed']:.1f}",
            run["width"],
            " ".join(str(width) for width in run["widths"][::2]),
            "–" if run["recovery"] is None else f"{run['recovery']:.1f}",
        )
        for run in sorted(runs, key=lambda run: [scene.name for scene in SCENES].index(run["scene"]))
    ]
    columns = (
        *("path", "server", "frozen s/min", "paused s/min", "concealed %", "width"),
        *("width every 2 s", "full again after s"),
    )
    return report.table("What a subscriber sees and hears on a bad path", columns, rows)


def main() -> None:
    wanted = [name for name in NAMES if name in os.environ.get("SERVERS", " ".join(NAMES)).split()]
    runs: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    for name in wanted:
        with tempfile.TemporaryDirectory() as folder:
            try:
                runs += measure(name, Path(folder))
            except NotOffered as why:
                left_out[name] = str(why)
    ours = [run for run in runs if run["server"] != "janus"]
    summary = {
        "worst_recovery_s": max((run["recovery"] or 0.0 for run in ours), default=None),
        "not_recovered": sum(run["recovery"] is None for run in ours),
        "concealed_at_5_percent_loss": max(
            (run["concealed"] for run in ours if run["scene"] == "5 % loss"), default=None
        ),
        "left_out": left_out,
    }
    print(show(runs))
    for name, why in left_out.items():
        print(f"{name} was left out: {why}")
    print(report.write("impairment", runs=runs, summary=summary))


def addresses() -> None:
    """The server's and the impairer's, beside the browsers' in the throw-away namespace."""
    for address in (SERVER, IMPAIRED):
        subprocess.run(["ip", "addr", "add", f"{address}/24", "dev", "veth-a"], check=True)


if __name__ == "__main__":
    if "inside" in sys.argv:
        addresses()
        main()
    else:
        program = [str(ROOT / "tests" / "netns.sh"), sys.executable, "-m", "tests.bench.impairment", "inside"]
        sys.exit(subprocess.run(program, cwd=ROOT, check=False).returncode)
