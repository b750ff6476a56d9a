"""Asking for lost packets again."""

from meetings.relay.rtcp import NackGenerator


def fed(*numbers, **settings):
    generator = NackGenerator(**settings)
    for number in numbers:
        generator.add(number, 0.0)
    return generator


def test_asks_at_once_for_what_was_skipped():
    assert fed(10, 11, 14).due(0.0) == [12, 13]


def test_an_unbroken_stream_asks_for_nothing():
    generator = fed(*range(65530, 65536), *range(10))
    assert generator.due(0.0) == []
    assert not generator.needs_keyframe


def test_asks_across_the_wrap():
    assert fed(65534, 1).due(0.0) == [65535, 0]


def test_a_packet_that_came_late_is_not_asked_for():
    assert fed(1, 4, 2).due(0.0) == [3]


def test_asks_again_only_after_a_round_trip():
    generator = fed(1, 3, retry_after=0.08)
    assert generator.due(0.0) == [2]
    assert generator.due(0.05) == []
    assert generator.due(0.09) == [2]


def test_gives_up_after_so_many_requests_and_wants_a_keyframe():
    generator = fed(1, 3, max_requests=3)
    asked = [number for tick in range(50) for number in generator.due(tick / 10)]
    assert asked == [2, 2, 2]
    assert generator.needs_keyframe


def test_a_long_gap_is_given_up_at_once():
    generator = fed(1, 3)
    generator.add(700, 0.0)
    assert generator.due(0.0) == []
    assert generator.needs_keyframe


def test_leaping_numbers_are_not_noted_one_by_one():
    """Regression: a hostile sender had 500 missing packets noted for each one that it sent."""
    generator = NackGenerator()
    for number in range(0, 60_000, 400):
        generator.add(number, 0.0)
        assert generator.due(0.0) == []
    assert generator.needs_keyframe


def test_losses_out_of_reach_are_forgotten():
    generator = fed(1, 3)
    for number in range(4, 600):
        generator.add(number, 0.0)
    assert generator.due(0.0) == []
    assert generator.needs_keyframe


def test_never_holds_more_than_its_window():
    generator = NackGenerator()
    for number in range(0, 20_000, 2):
        generator.add(number, 0.0)
    assert len(generator.due(0.0)) <= 500
