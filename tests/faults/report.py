"""What a series of runs showed: a line per run, a table of where it was hit, JSON."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from tests.e2e.portal import ROOT
from tests.faults.places import IN_ORDER
from tests.faults.runs import Run

REPORT = ROOT / "build" / "faults" / "runs.json"


def tell(number: int, runs: int, run: Run, log: Sequence[str]) -> None:
    """One run, with the end of the server's log where something is wrong."""
    what = "  +  ".join(run.hits)
    print(f"{number:4}/{runs} seed {run.seed}: {run.fault} → {what} ({run.seconds:.1f} s)", flush=True)
    for problem in run.problems:
        print(f"        WRONG: {problem}", flush=True)
    if run.problems:
        print("\n".join(f"        | {line}" for line in log[-40:]), flush=True)


def summary(ground: str, done: Sequence[Run], seed: int, seconds: float) -> bool:
    """Prints the table and writes the report; whether all is well."""
    hits = Counter(hit for run in done for hit in run.hits)
    print(f"\n{'where it was hit (' + ground + ')':56}{'times':>6}")
    for name in [*IN_ORDER, *sorted(set(hits) - set(IN_ORDER))]:
        print(f"{name:56}{hits[name]:6}")
    wrong = [run for run in done if run.problems]
    for run in wrong:
        print(f"again: make test-faults RUNS=1 SEED={run.seed}")
    print(
        f"\n{sum(hits.values())} kills and stops in {len(done)} runs from seed {seed} on,"
        f" {seconds / 60:.1f} minutes."
        f" Recordings lost, transcripts missing, doubled or different: {len(wrong)}"
    )
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    found = {"ground": ground, "seed": seed, "hits": dict(hits), "wrong": len(wrong)}
    REPORT.write_text(json.dumps({**found, "runs": [asdict(run) for run in done]}, indent=1))
    return not wrong
