"""Continuity of outgoing numbers."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from meetings.relay.rewriting import SequenceMap


def test_gaps_of_probes_are_closed_and_losses_kept() -> None:
    numbers = SequenceMap(first=1000)
    assert numbers.map(50) == 1000
    numbers.skip(51)
    assert numbers.map(52) == 1001
    assert numbers.map(54) == 1003  # 53 is lost and may still come
    assert numbers.map(53) == 1002


def test_a_late_packet_from_before_a_gap_keeps_its_number() -> None:
    numbers = SequenceMap(first=0)
    first = [numbers.map(sequence) for sequence in (10, 12)]
    numbers.skip(13)
    assert [*first, numbers.map(14), numbers.map(11)] == [0, 2, 3, 1]


def test_a_packet_from_before_all_known_gaps_takes_nobodys_number() -> None:
    """Regression: it got the offset of the oldest gap still known, and with it a number already sent."""
    numbers, sent = SequenceMap(first=0), []
    for sequence in range(0, 400, 4):
        sent += [numbers.map(sequence), numbers.map(sequence + 1)]
        numbers.skip(sequence + 3)
    late = [numbers.map(sequence) for sequence in range(2, 400, 4)]
    assert late[:36] == [None] * 36
    assert not set(late[36:]) & set(sent)
    assert None not in late[36:]


def test_a_burst_of_probes_is_one_gap() -> None:
    numbers = SequenceMap(first=0)
    numbers.map(0)
    numbers.map(2)
    for sequence in range(3, 300):
        numbers.skip(sequence)
    assert [numbers.map(300), numbers.map(1)] == [3, 1]


def test_another_source_continues_the_count_and_its_past_is_dropped() -> None:
    numbers = SequenceMap(first=65_534)
    assert [numbers.map(sequence) for sequence in (7, 8, 9)] == [65_534, 65_535, 0]
    numbers.restart()
    assert numbers.map(30_000) == 1
    assert numbers.map(29_999) is None


@given(st.lists(st.booleans(), min_size=1, max_size=300), st.integers(0, 65_535))
def test_without_loss_there_are_no_holes_whatever_is_left_out(probes: Iterable[bool], start: int) -> None:
    numbers, sent = SequenceMap(first=500), []
    for step, probe in enumerate([False, *probes]):
        sequence = (start + step) & 0xFFFF
        if probe:
            numbers.skip(sequence)
        else:
            sent.append(numbers.map(sequence))
    assert sent == [(500 + step) & 0xFFFF for step in range(len(sent))]
