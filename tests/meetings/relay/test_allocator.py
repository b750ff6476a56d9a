"""Sharing a subscriber's bandwidth."""

from hypothesis import given
from hypothesis import strategies as st

from meetings.relay.allocator import Demand, allocate

LAYERS = {0: 150_000.0, 1: 500_000.0, 2: 1_700_000.0}


def test_without_a_limit_everyone_gets_what_they_want() -> None:
    demands = [Demand("a", 2, LAYERS), Demand("b", 1, LAYERS)]
    allocation = allocate(None, demands, may_pause=True)
    assert allocation.granted == {"a": 2, "b": 1}
    assert allocation.missing is None


def test_thumbnails_shrink_before_the_first_in_rank() -> None:
    demands = [Demand("thumb", 2, LAYERS), Demand("screen", 2, LAYERS, rank=0)]
    assert allocate(2_100_000, demands, may_pause=False).granted == {"screen": 2, "thumb": 0}


def test_last_in_rank_is_paused_only_where_that_is_allowed() -> None:
    demands = [Demand("first", 2, LAYERS, rank=0), Demand("last", 2, LAYERS)]
    assert allocate(200_000, demands, may_pause=True).granted == {"first": 0, "last": None}
    assert allocate(200_000, demands, may_pause=False).granted == {"first": 0, "last": 0}


def test_a_track_without_known_bitrates_is_not_limited() -> None:
    assert allocate(100_000, [Demand("new", 2, {})], may_pause=True).granted == {"new": 2}


@given(
    st.floats(100_000, 5_000_000),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=8),
)
def test_never_more_than_the_budget_nor_than_wanted(budget: float, wishes: list[tuple[int, int]]) -> None:
    demands = [Demand(str(number), wanted, LAYERS, rank) for number, (wanted, rank) in enumerate(wishes)]
    granted = allocate(budget, demands, may_pause=True).granted
    spent = sum(LAYERS[quality] for quality in granted.values() if quality is not None)
    assert spent <= budget or all(quality is None for quality in granted.values())
    for demand in demands:
        quality = granted[demand.track]
        assert quality is None or quality <= demand.wanted


def test_what_is_held_stays_where_something_new_would_not_fit() -> None:
    held = allocate(480_000, [Demand("a", 2, LAYERS, held=1)], may_pause=True)
    new = allocate(480_000, [Demand("a", 2, LAYERS, held=0)], may_pause=True)
    assert (held.granted, new.granted) == ({"a": 1}, {"a": 0})


def test_the_next_step_upward_is_named() -> None:
    allocation = allocate(150_000, [Demand("a", 2, LAYERS, held=0)], may_pause=True)
    assert allocation.granted == {"a": 0}
    assert allocation.missing == 550_000 - 150_000  # 1.1 × the middle layer


def test_only_so_many_videos_in_order_of_rank_and_size() -> None:
    demands = [Demand("thumb", 0, LAYERS), Demand("large", 2, LAYERS), Demand("speaker", 1, LAYERS, rank=0)]
    paused = allocate(None, demands, may_pause=True, most=2).granted
    assert paused == {"speaker": 1, "large": 2, "thumb": None}
    assert allocate(None, demands, may_pause=False, most=1).granted["large"] == 0
