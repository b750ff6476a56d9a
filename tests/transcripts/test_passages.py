"""Passages: every word once, cut at pauses."""

from hypothesis import given
from hypothesis import strategies as st

from transcripts.search.passages import LONGEST, SHORTEST, passages


def _steady(count: int) -> list[tuple[float, float]]:
    return [(float(at), at + 0.9) for at in range(count)]


def test_a_short_turn_is_one_passage() -> None:
    assert list(passages(_steady(LONGEST))) == [range(LONGEST)]


def test_a_turn_without_words_has_no_passage() -> None:
    assert list(passages([])) == []


def test_a_long_turn_is_cut_in_its_longest_pause() -> None:
    times = [
        (start + (5.0 if at >= 52 else 0.0), end + (5.0 if at >= 52 else 0.0))
        for at, (start, end) in enumerate(_steady(100))
    ]
    assert list(passages(times)) == [range(52), range(52, 100)]


@given(st.lists(st.floats(0, 10), max_size=400))
def test_every_word_is_in_exactly_one_passage_of_allowed_length(gaps: list[float]) -> None:
    times, now = [], 0.0
    for gap in gaps:
        times.append((now + gap, now + gap + 0.1))
        now += gap + 0.1
    found = list(passages(times))
    assert [at for part in found for at in part] == list(range(len(times)))
    assert all(len(part) >= SHORTEST for part in found[:-1])
    assert all(0 < len(part) <= LONGEST for part in found)
