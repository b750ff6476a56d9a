"""A full disk loses nothing of what was recorded before, says so, and is over when it is over."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from meetings.services.processing import CUT_SHORT
from tests.e2e.portal import ROOT

pytestmark = [pytest.mark.media, pytest.mark.long]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Everything that was tried, in a mount namespace of its own."""
    enter = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
    folder = tmp_path_factory.mktemp("disk")
    program = [sys.executable, "-m", "tests.faults.full_disk", str(folder)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    done = subprocess.run(
        [*enter, *program], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_the_call_goes_on_and_the_recording_ends_for_everybody_to_see(seen: dict[str, Any]) -> None:
    call = seen["call"]
    assert (call["recording_ended"], call["room_goes_on"]) == (True, True)
    assert any("recording to" in line for line in call["operator"]), call


def test_what_was_recorded_before_is_kept_and_made_playable_once_there_is_room(seen: dict[str, Any]) -> None:
    call = seen["call"]
    assert call["readable_to"] < 1.0
    assert (call["finished"], call["state"], call["problems"]) == (True, "ready", [])
    assert call["remark"] in (CUT_SHORT, "")  # where the rows had no room either, nobody could note it


@pytest.mark.parametrize("job", ["files", "speech"])
def test_work_waits_for_room_and_is_done_then(seen: dict[str, Any], job: str) -> None:
    work = seen[job]
    assert (work["waits"], work["attempts"]) == (True, 0), work
    assert "No space left" in work["error"] or "disk is full" in work["error"]
    assert (work["finished"], work["turns"], work["problems"]) == (True, 2, [])


def test_pages_say_that_the_disk_is_full_and_work_again_after_it(seen: dict[str, Any]) -> None:
    pages = seen["pages"]
    assert set(pages["full"]) <= {302, 503}, pages
    assert 503 in pages["full"]
    assert "or its disk is full" in pages["text"]
    assert pages["after"] == 302


@pytest.mark.parametrize("writer", ["remux", "mix", "wav"])
def test_no_file_is_taken_for_whole_that_is_not(seen: dict[str, Any], writer: str) -> None:
    assert seen["by_hand"][writer] == "passes"
    assert seen["by_hand"]["left"] == []
