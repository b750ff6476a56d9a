import numpy as np
import pytest

from meetings.recording.fit import least_squares, lower_envelope


def test_least_squares_finds_offset_and_drift_among_wild_points():
    x = np.arange(0, 600, 1.0)
    y = 5 + x * (1 + 70e-6)
    y[::25] += 40
    line = least_squares(x, y)
    assert line.slope - 1 == pytest.approx(70e-6, abs=1e-6)
    assert line(300.0) == pytest.approx(5 + 300 * (1 + 70e-6), abs=1e-4)


def test_the_lower_envelope_lies_under_delays_and_ignores_a_reading_from_the_future():
    dice = np.random.default_rng(5)
    x = np.sort(dice.uniform(0, 1800, 1800))
    y = x * (1 - 40e-6) + 200 + dice.exponential(0.05, len(x))
    y[700] -= 30
    line = lower_envelope(x, y)
    truth = x * (1 - 40e-6) + 200
    assert max(abs(line(at) - true) for at, true in zip(x, truth, strict=True)) < 0.005


@pytest.mark.parametrize("fit", [least_squares, lower_envelope])
def test_short_spans_and_single_points_get_no_slope(fit):
    assert fit(np.array([3.0]), np.array([7.0]))(4.0) == pytest.approx(8.0)
    line = fit(np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.004, 3.002]))
    assert line.slope == 1.0


def test_an_impossible_drift_is_not_believed():
    x = np.arange(0, 100, 1.0)
    assert least_squares(x, x * 1.01).slope == 1.0
