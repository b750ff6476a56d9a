"""The worker's timetable, which wakes what nobody was told of."""

from pathlib import Path

import pytest

from visio_portal.celery import timetable


def test_the_timetable_keeps_nothing_that_a_kill_could_spoil(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed worker left half a file behind; no later one swept, and forgotten jobs stayed forgotten."""
    monkeypatch.chdir(tmp_path)
    scheduler = timetable().service.get_scheduler()
    assert "sweep" in scheduler.schedule
    assert list(tmp_path.iterdir()) == []
