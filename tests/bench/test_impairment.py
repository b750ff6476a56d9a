"""Figures from a viewer's samples."""

import pytest

from tests.bench.impairment.analysis import Sample, figures, recovery


def samples(*, still: range = range(0), paused: bool = False, narrow: range = range(0)) -> list[Sample]:
    """Twenty seconds, four samples each; quarter seconds without a new picture, and with small ones."""
    found, frames = [], 0
    for quarter in range(80):
        frames += 0 if quarter in still else 4
        width = 240 if quarter in narrow else 960
        sound = quarter * 12_000
        found.append(
            Sample(
                at=quarter / 4,
                frames=frames,
                width=width,
                paused=paused and quarter in still,
                audio=sound,
                concealed=sound // 20,
                frozen=0.0,
            )
        )
    return found


def test_two_seconds_of_ten_without_a_picture_are_twelve_of_a_minute():
    found = figures(samples(still=range(8, 16)), 0.0, 10.0, 960)
    assert found.frozen == pytest.approx(12)
    assert found.paused == 0
    assert found.concealed == pytest.approx(0.05)


def test_what_was_announced_is_a_pause():
    found = figures(samples(still=range(8, 16), paused=True), 0.0, 10.0, 960)
    assert (found.frozen, found.paused) == (0, pytest.approx(12))


def test_recovery_ends_when_full_pictures_come_and_stay():
    assert recovery(samples(narrow=range(40, 52)), 10.0, 960) == pytest.approx(2.75)
    assert recovery(samples(narrow=range(40, 80)), 10.0, 960) is None
    assert recovery(samples(), 10.0, 960) == 0


def test_widths_are_told_once_a_second():
    assert figures(samples(narrow=range(8, 40)), 0.0, 4.0, 960).widths == (960, 960, 240, 240, 240)
