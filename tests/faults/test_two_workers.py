"""Two workers on one job, each a process of its own: one outcome, and no mixture of files."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from typing import Any

import pytest

from tests.e2e.portal import ROOT
from visio_portal import throwaway

pytestmark = [pytest.mark.media, pytest.mark.long]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Everything that was tried on one database."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "VISIO_"))}
    for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
        own.pop(name, None)
    program = [sys.executable, "-m", "tests.faults.two_workers", str(tmp_path_factory.mktemp("workers"))]
    with throwaway.postgresql() if request.param == "postgresql" else nullcontext() as database:
        if database is not None:
            own["DATABASE_URL"] = database.url
        done = subprocess.run(program, cwd=ROOT, env=own, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


FILES = 3
"""One for each of the two speakers, and the mix."""


def test_of_two_workers_that_begin_at_once_one_gets_the_job(seen: dict[str, Any]) -> None:
    for found in seen["at_once"]["rounds"]:
        assert found["statuses"] == [0, 0]
        assert found["job"] == ["done", 1, 1]
        assert len(found["files"]) == FILES
        assert found["folders"] == ["files-1"]


def test_a_worker_stopped_while_it_makes_files_cannot_spoil_its_successors(seen: dict[str, Any]) -> None:
    found = seen["files"]
    assert (found["seen"], found["late_said"], found["statuses"]) == (True, True, [0, 0]), found["log"]
    assert found["before"]["job"] == ["done", 2, 2]
    assert found["after"] == found["before"]
    assert (found["after"]["folders"], found["after"]["sizes"]) == (["files-2"], True)
    assert len(found["after"]["files"]) == FILES


def test_a_worker_stopped_while_it_recognises_adds_no_second_transcript(seen: dict[str, Any]) -> None:
    found = seen["speech"]
    assert (found["seen"], found["late_said"], found["statuses"]) == (True, True, [0, 0]), found["log"]
    assert found["after"] == found["before"]
    assert (found["after"]["revisions"], len(found["after"]["turns"])) == (1, 2)
    assert found["after"]["folders"] == ["files-1"]
