"""How a connection fares, by plain numbers."""

import pytest

from meetings.relay.figures import Rates, Reception, Snapshot, rates, round_trip
from meetings.relay.plane import SenderClock
from meetings.relay.rtcp import ReportBlock

SECOND = 1 << 32
NINETEEN_EIGHTY = 2_524_608_000 * SECOND  # a publisher whose clock is wrong


def block(ssrc: int = 7, *, highest: int = 0, lost: int = 0, lsr: int = 0, dlsr: float = 0.0) -> ReportBlock:
    return ReportBlock(ssrc, 0, lost, highest, 4_500, lsr, int(dlsr * 65_536))


def sent(clock: SenderClock, at: float) -> int:
    """LSR of the report that a plane sends at that moment: the publisher's clock, carried forward."""
    return (clock.ntp + int((at - clock.at) * SECOND)) >> 16 & 0xFFFFFFFF


def test_rates_are_those_between_two_snapshots() -> None:
    before = Snapshot(10.0, octets_up=1_000, octets_down=5_000, expected_up=100, lost_up=3)
    after = Snapshot(12.0, octets_up=251_000, octets_down=5_000, expected_up=300, lost_up=23)
    assert rates(before, after) == Rates(1_000_000.0, 0.0, 0.1, None)
    assert rates(after, after) == Rates()


def test_more_lost_than_expected_is_all() -> None:
    assert rates(Snapshot(0.0), Snapshot(1.0, expected_down=2, lost_down=5)).loss_down == 1.0


def test_the_round_trip_is_told_by_the_clock_that_was_in_force() -> None:
    """The publisher's second report came 30 ms late: seen from it the relay's report went 30 ms later."""
    first = SenderClock(NINETEEN_EIGHTY, 0, 100.0)
    late = SenderClock(NINETEEN_EIGHTY + SECOND, 0, 101.03)
    lsr = sent(first, 100.9)
    assert round_trip(block(lsr=lsr, dlsr=0.1), [first, late], 101.08) == pytest.approx(0.08, abs=0.001)
    assert round_trip(block(lsr=sent(late, 101.1), dlsr=0.0), [first, late], 101.2) == pytest.approx(
        0.1, abs=0.001
    )


def test_a_report_of_another_clock_says_nothing_of_the_round_trip() -> None:
    clock = SenderClock(NINETEEN_EIGHTY, 0, 100.0)
    other = SenderClock(NINETEEN_EIGHTY + 9_000 * SECOND, 0, 100.0)
    assert round_trip(block(lsr=sent(other, 100.5)), [clock], 101.0) is None
    assert round_trip(block(lsr=0), [clock], 101.0) is None
    assert round_trip(block(lsr=sent(clock, 100.5), dlsr=3.0), [clock], 101.0) is None
    assert round_trip(block(lsr=sent(clock, 100.5)), [], 101.0) is None


def test_the_middle_of_an_ntp_time_wraps_every_eighteen_hours() -> None:
    clock = SenderClock((0xFFFF << 32) + SECOND - 1, 0, 100.0)
    assert round_trip(block(lsr=sent(clock, 100.5)), [clock], 100.75) == pytest.approx(0.25, abs=0.001)


def test_reception_adds_up_over_streams_and_wraps() -> None:
    reception = Reception()
    for told in (
        block(1, highest=0xFFFFFFF0, lost=5),
        block(1, highest=0x10, lost=8),
        block(2, highest=100),
        block(2, highest=140, lost=-2),
        block(2, highest=130, lost=-2),
    ):
        reception.reported(told, 90_000, [], 1.0)
    assert (reception.expected, reception.lost) == (32 + 40, 3)


def test_what_was_not_reported_of_late_is_not_known() -> None:
    reception, clock = Reception(), SenderClock(NINETEEN_EIGHTY, 0, 0.0)
    assert (reception.jitter(0.0), reception.round_trip(0.0)) == (None, None)
    reception.reported(block(lsr=sent(clock, 1.0)), 90_000, [clock], 1.2)
    assert reception.jitter(1.2) == 0.05
    assert reception.round_trip(1.2) == pytest.approx(0.2, abs=0.001)
    assert (reception.jitter(20.0), reception.round_trip(20.0)) == (None, None)
