"""Transport-wide feedback: whatever arrives is reported, once the packets are read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetings.relay.rtcp import TransportFeedback, TwccRecorder, parse_rtcp, serialize_rtcp


def drain(recorder):
    """All feedback there is, as packets."""
    found = []
    while (data := recorder.feedback()) is not None:
        assert len(data) <= 1200
        found += parse_rtcp(data)
    return found


def arrivals(feedback):
    """Sequence to arrival in µs, None for what is reported missing."""
    clock = feedback.reference_time * 64_000
    times = {}
    for sequence, delta in feedback.received:
        clock += delta or 0
        times[sequence] = None if delta is None else clock
    return times


def merged(feedbacks):
    times = {}
    for feedback in feedbacks:
        times |= {sequence: at for sequence, at in arrivals(feedback).items() if at is not None}
    return times


def test_nothing_arrived_nothing_to_say():
    assert TwccRecorder().feedback() is None


def test_reports_times_to_a_quarter_millisecond():
    recorder = TwccRecorder(sender_ssrc=9)
    for index, at in enumerate((100.0, 100.0101, 100.0102, 100.2)):
        recorder.add(10 + index, 5, at)
    (feedback,) = drain(recorder)
    assert (feedback.ssrc, feedback.media_ssrc, feedback.base_sequence) == (9, 5, 10)
    for sequence, at in ((10, 100.0), (11, 100.0101), (12, 100.0102), (13, 100.2)):
        assert abs(arrivals(feedback)[sequence] - at * 1e6) <= 251
    assert recorder.feedback() is None


def test_counts_feedback_packets_and_reports_losses_between_them():
    recorder = TwccRecorder()
    recorder.add(1, 5, 1.0)
    (first,) = drain(recorder)
    recorder.add(4, 5, 1.1)
    (second,) = drain(recorder)
    assert (first.feedback_count, second.feedback_count) == (0, 1)
    assert [delta is None for _, delta in second.received] == [True, True, False]
    assert second.base_sequence == 2


def test_a_late_packet_is_reported_with_its_neighbours():
    recorder = TwccRecorder()
    for number in (1, 3, 4):
        recorder.add(number, 5, 1.0 + number / 1000)
    drain(recorder)
    recorder.add(2, 5, 1.02)
    (again,) = drain(recorder)
    assert [sequence for sequence, delta in again.received if delta is not None] == [2, 3, 4]


def test_long_losses_are_written_as_runs():
    recorder = TwccRecorder()
    recorder.add(0, 5, 1.0)
    recorder.add(1900, 5, 1.01)
    data = recorder.feedback()
    assert data is not None
    assert len(data) < 40
    assert parse_rtcp(data)[0].received[-1][0] == 1900


def test_a_huge_gap_starts_a_new_packet():
    recorder = TwccRecorder()
    recorder.add(0, 5, 1.0)
    recorder.add(30_000, 5, 1.01)
    first, second = drain(recorder)
    assert [first.base_sequence, second.base_sequence] == [0, 30_000]
    assert len(second.received) == 1


def test_a_pause_too_long_for_a_delta_starts_a_new_packet():
    recorder = TwccRecorder()
    recorder.add(0, 5, 1.0)
    recorder.add(1, 5, 20.0)
    times = merged(drain(recorder))
    assert abs(times[1] - 20e6) <= 250


def test_leaping_numbers_cost_no_more_than_running_ones():
    """Regression: a hostile sender had 2,000 missing packets described for each one it sent: 1,000 a second
    were enough to stop the relay."""
    recorder = TwccRecorder()
    for step in range(1000):
        recorder.add(step * 1999 & 0xFFFF, 5, 1.0 + step / 1000)
    for _ in range(20):
        told = recorder.feedback()
        assert told is not None
        assert sum(len(packet.received) for packet in parse_rtcp(told)) <= 2000


def test_numbers_wrap():
    recorder = TwccRecorder()
    for number in (65534, 65535, 0, 1):
        recorder.add(number, 5, 1.0)
    (feedback,) = drain(recorder)
    assert [sequence for sequence, _ in feedback.received] == [65534, 65535, 0, 1]


def test_a_repeated_packet_keeps_its_first_time():
    recorder = TwccRecorder()
    recorder.add(1, 5, 1.0)
    recorder.add(1, 5, 2.0)
    assert abs(merged(drain(recorder))[1] - 1e6) <= 250


def test_memory_is_bounded_when_nobody_asks():
    recorder = TwccRecorder()
    for number in range(50_000):
        recorder.add(number & 0xFFFF, 5, number / 1000)
    assert len(merged(drain(recorder))) <= 4001


@given(
    st.integers(0, 65535),
    st.lists(
        st.tuples(st.sampled_from([1, 1, 1, 2, 3, 15, 300, 2500]), st.integers(-3000, 9_000_000)),
        min_size=1,
        max_size=120,
    ),
)
def test_every_arrival_is_reported_at_its_time(start, steps):
    recorder, expected = TwccRecorder(), {}
    number, clock = start, 50_000_000
    for step, wait in steps:
        number, clock = number + step, clock + (wait if wait > 8_000_000 else wait % 20_000)
        recorder.add(number & 0xFFFF, 5, clock / 1e6)
        expected[number & 0xFFFF] = clock
    times = merged(drain(recorder))
    missing = {
        sequence
        for sequence, at in expected.items()
        if sequence not in times or abs(times[sequence] - at) > 252
    }
    assert not missing


def test_refuses_to_write_deltas_that_do_not_fit():
    with pytest.raises(ValueError, match="delta"):
        list(serialize_rtcp([TransportFeedback(1, 2, 0, 0, 0, ((0, 9_000_000),))]))
