"""Budgets by the receiver's own estimate."""

import pytest

from meetings.relay.path import ReceiverBudget


def test_a_low_estimate_that_rises_is_no_congestion() -> None:
    """Chromium's estimate begins at some 300 kbit/s; taking it for a limit froze calls in the low layer."""
    budget = ReceiverBudget()
    for estimate in (300_000, 320_000, 350_000):
        assert budget.update(estimate=estimate, loss=0.0, sent=2_000_000) is None


def test_a_falling_estimate_limits_and_quiet_seconds_lift_it_again() -> None:
    budget = ReceiverBudget()
    budget.update(estimate=2_000_000, loss=0.0, sent=2_000_000)
    assert budget.update(estimate=800_000, loss=0.0, sent=2_000_000) == 800_000
    seconds = 0
    while budget.update(estimate=800_000, loss=0.0, sent=700_000) is not None:
        seconds += 1
    assert 3 <= seconds <= 20


def test_heavy_loss_limits_without_any_estimate() -> None:
    budget = ReceiverBudget()
    first = budget.update(estimate=None, loss=0.2, sent=1_000_000)
    second = budget.update(estimate=None, loss=0.2, sent=900_000)
    assert first == pytest.approx(850_000)
    assert second is not None
    assert second < 850_000
