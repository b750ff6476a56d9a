"""The bench's own sums; that packets really flow is tests/bench/test_relay_load.py's."""

from typing import Any

import numpy as np
import pytest

from tests.bench.relay import analysis, media, summary
from tests.bench.relay_scale import flatness


def run(
    server: str, cost: float, *, delivered: float = 1.0, number: int = 1, **others: Any
) -> dict[str, Any]:
    base = {"path": "loopback", "scenario": "1 → 40", "generator_cores": 0.1, "cores": 0.1}
    base |= {"latency_p50_ms": 0.3, "latency_p99_ms": 1.0, "packets_per_second": 10_000.0}
    return {**base, "server": server, "cpu_us": cost, "delivered": delivered, "round": number, **others}


def test_the_worst_scenario_counts():
    runs = [
        run("janus", 10),
        run("native+gso", 3),
        run("janus", 8, path="veth"),
        run("native+gso", 4, path="veth"),
    ]
    found = summary.over_janus(runs, "native+gso")
    assert found is not None
    assert (found["ratio"], found["path"]) == (0.5, "veth")
    assert found["all"] == {"loopback, 1 → 40": 0.3, "veth, 1 → 40": 0.5}


def test_ratios_are_of_medians_and_rounds_give_their_spread():
    runs = [run("janus", cost, number=at) for at, cost in enumerate((10, 20, 12))]
    runs += [run("native", cost, number=at) for at, cost in enumerate((5, 6, 30))]
    found = summary.over_janus(runs, "native")
    assert found is not None
    assert found["ratio"] == 0.5
    assert found["rounds"] == [0.3, 0.5, 2.5]


def test_a_run_that_lost_packets_is_shown_and_marked_and_in_no_ratio():
    runs = [run("janus", 10), run("portable", 3, delivered=0.9), run("portable", 12)]
    found = summary.over_janus(runs, "portable")
    assert found is not None
    assert found["ratio"] == 1.2
    assert len(summary.marked(runs)) == 1
    assert "2 (!1)" in summary.table(runs)


def test_without_a_sound_run_there_is_no_ratio():
    assert summary.over_janus([run("janus", 10, delivered=1.1), run("native", 3)], "native") is None


def test_loss_begins_between_two_rates():
    rates = [(1000.0, 1.0), (2000.0, 0.999), (2100.0, 0.8), (2050.0, 0.999)]
    found = summary.loss_begins(
        [run("janus", 1, delivered=ok, packets_per_second=rate) for rate, ok in rates]
    )
    assert found == {"without_loss": 2000.0, "with_loss": 2100.0, "delivered": 0.8}


@pytest.mark.parametrize(("largest", "flat"), [(11.4, True), (11.6, False), (8.4, False)])
def test_flat_means_within_fifteen_percent(largest: float, flat: bool):
    runs = [run("native", cost, scenario=size) for size, cost in (("S", 10), ("M", 10), ("L", largest))]
    assert flatness(runs, ["S", "M", "L"])["flat"] is flat


def test_frames_are_cut_about_equally_the_larger_parts_last():
    parts = media.split(bytes(media.MOST * 2 + 3))
    assert [len(part) for part in parts] == [779, 780, 780]


def test_sequence_numbers_go_on_beyond_their_sixteen_bits():
    numbers = np.asarray([65534, 65535, 1, 0, 2]) & 0xFFFF
    assert list(analysis.unwrapped(numbers)) == [65534, 65535, 65537, 65536, 65538]
