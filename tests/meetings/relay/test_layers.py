"""Choosing a simulcast layer."""

import pytest

from meetings.relay.layers import HIGH, LOW, MEDIUM, LayerSize, choose_layer, highest_wanted, quality_for

SIZES = [LayerSize(HIGH, 1280, 720), LayerSize(LOW, 320, 180), LayerSize(MEDIUM, 640, 360)]


@pytest.mark.parametrize(
    ("live", "wanted", "chosen"),
    [
        ([0, 1, 2], 2, 2),
        ([0, 1, 2], 1, 1),
        ([0, 1], 2, 1),
        ([2, 1], 0, 1),
        ([2], 0, 2),
        ([], 1, None),
    ],
)
def test_takes_the_best_not_above_the_wish(live, wanted, chosen):
    assert choose_layer(live, wanted) == chosen


@pytest.mark.parametrize(
    ("width", "height", "quality"),
    [
        (100, 60, LOW),
        (320, 180, LOW),
        (350, 195, LOW),
        (360, 180, MEDIUM),
        (320, 240, MEDIUM),
        (641, 361, MEDIUM),
        (1280, 720, HIGH),
        (3840, 2160, HIGH),
        (0, 0, HIGH),
    ],
)
def test_takes_the_smallest_that_fills_the_element(width, height, quality):
    assert quality_for(SIZES, width, height) == quality


def test_without_layers_the_wish_is_for_the_best():
    assert quality_for([], 10, 10) == HIGH


def test_a_single_layer_serves_every_size():
    assert quality_for([LayerSize(LOW, 640, 360)], 1920, 1080) == LOW


def test_the_publisher_sends_what_the_keenest_receiver_watches():
    assert highest_wanted([None, LOW, MEDIUM]) == MEDIUM
    assert highest_wanted([None, None]) is None
