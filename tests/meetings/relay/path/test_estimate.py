"""A relay on simulated paths: what it believes them to carry, and how it comes back."""

import pytest

from tests.meetings.relay.path.simulated import Call, Weather

FULL = 2


def layers(call: Call, last: int) -> list[int | None]:
    return [second.layer for second in call.seconds[-last:]]


def seconds_to_full(call: Call, most: int) -> int:
    """Runs until the full layer is granted and stays for three seconds; how long it took."""
    for second in range(most + 3):
        call.run(1)
        if second >= 2 and layers(call, 3) == [FULL] * 3:
            return second - 1
    raise AssertionError(f"not back after {most} s: {call.seconds[-most:]}")


def test_a_good_path_is_never_limited() -> None:
    call = Call(Weather(jitter=0.005)).run(60)
    assert call.switches == 0
    assert call.path.bitrate is None


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ceiling", [300_000, 500_000, 1_000_000])
def test_a_ceiling_is_found_from_below(ceiling: float, seed: int) -> None:
    call = Call(Weather(capacity=ceiling, delay=0.05), seed=seed).run(40)
    believed = [second.estimate for second in call.seconds[5:]]
    assert all(estimate is not None and 0.3 * ceiling <= estimate <= 1.1 * ceiling for estimate in believed)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("ceiling", "layer"), [(300_000, 0), (500_000, 0), (1_000_000, 1)])
def test_layers_do_not_flap_under_a_ceiling(ceiling: float, layer: int, seed: int) -> None:
    call = Call(Weather(capacity=ceiling, delay=0.05), seed=seed).run(60)
    assert layers(call, 50) == [layer] * 50
    assert call.probes < 25


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("loss", [0.02, 0.05, 0.1])
def test_random_loss_starves_nobody(loss: float, seed: int) -> None:
    call = Call(Weather(loss=loss, delay=0.05, jitter=0.02), seed=seed, answers_lost=loss).run(60)
    assert layers(call, 50).count(FULL) >= 45


@pytest.mark.parametrize("delay", [0.05, 0.2])
def test_delay_that_comes_suddenly_is_another_route_and_no_queue(delay: float) -> None:
    call = Call(Weather()).run(10)
    call.weather.delay += delay
    call.run(20)
    assert layers(call, 20) == [FULL] * 20


@pytest.mark.parametrize("seed", range(3))
def test_jitter_is_no_congestion(seed: int) -> None:
    call = Call(Weather(jitter=0.04, delay=0.1), seed=seed).run(60)
    assert call.switches == 0


@pytest.mark.parametrize(("repairs", "within"), [(True, 10), (False, 30)])
@pytest.mark.parametrize("ceiling", [150_000, 300_000, 500_000])
@pytest.mark.parametrize("seed", range(4))
def test_the_full_layer_is_back_ten_seconds_after_a_ceiling_went(
    ceiling: float, seed: int, repairs: bool, within: int
) -> None:
    call = Call(Weather(delay=0.05), seed=seed, repairs=repairs).run(10)
    call.weather.capacity = ceiling
    call.run(25)
    assert call.layer != FULL
    call.weather.capacity = 50e6
    assert seconds_to_full(call, within) <= within


@pytest.mark.parametrize("seed", range(4))
def test_the_full_layer_is_back_after_half_of_all_was_lost(seed: int) -> None:
    call = Call(Weather(delay=0.05), seed=seed).run(10)
    call.weather.loss = 0.5
    call.run(20)
    call.weather.loss = 0.0
    assert seconds_to_full(call, 10) <= 10


def test_a_policer_without_a_queue_is_seen_by_its_loss() -> None:
    call = Call(Weather(capacity=500_000, queue=0.01)).run(40)
    assert FULL not in layers(call, 30)


def test_a_queue_is_kept_short() -> None:
    call = Call(Weather(capacity=500_000, queue=1.0)).run(10)
    waits: list[float] = []
    call.run(40, each_second=lambda: waits.append(call.network.free_at - call.now))
    assert sorted(waits)[len(waits) * 9 // 10] < 0.1
