"""Receiver statistics with packets counted by hand (RFC 3550 A.3, A.8)."""

from meetings.relay.rtcp import ReceptionStatistics


def receive(statistics, numbers, *, start=0.0, spacing=0.02, ticks=960):
    for index, number in enumerate(numbers):
        statistics.add(number & 0xFFFF, index * ticks, start + index * spacing)


def test_nothing_received_reports_nothing():
    block = ReceptionStatistics(48000).report_block(7, 1.0)
    assert (block.ssrc, block.fraction_lost, block.packets_lost, block.lsr) == (7, 0, 0, 0)


def test_loss_is_counted_over_all_and_since_the_last_report():
    statistics = ReceptionStatistics(48000)
    receive(statistics, [0, 1, 2, 3, 4, 5, 8, 9])
    first = statistics.report_block(7, 1.0)
    receive(statistics, range(10, 20))
    second = statistics.report_block(7, 2.0)
    assert (first.packets_lost, first.fraction_lost) == (2, 2 * 256 // 10)
    assert (second.packets_lost, second.fraction_lost) == (2, 0)


def test_reordering_is_no_loss_and_duplicates_count_below_zero():
    statistics = ReceptionStatistics(48000)
    receive(statistics, [0, 2, 1, 3, 3, 3])
    block = statistics.report_block(7, 1.0)
    assert (block.packets_lost, block.fraction_lost, block.highest_sequence) == (-2, 0, 3)


def test_wraps_are_counted_in_the_highest_sequence():
    statistics = ReceptionStatistics(48000)
    receive(statistics, range(65530, 65540))
    assert statistics.report_block(7, 1.0).highest_sequence == 65539
    assert statistics.packets_lost == 0


def test_a_restarted_sender_is_not_loss():
    statistics = ReceptionStatistics(48000)
    receive(statistics, [*range(10), *range(20000, 20010)])
    assert statistics.packets_lost == 0
    assert statistics.report_block(7, 1.0).highest_sequence == 20009


def test_even_spacing_has_no_jitter():
    statistics = ReceptionStatistics(48000)
    receive(statistics, range(50))
    assert statistics.report_block(7, 1.0).jitter <= 1


def test_uneven_spacing_approaches_its_mean_deviation():
    statistics = ReceptionStatistics(48000)
    for index in range(400):
        statistics.add(index, index * 960, index * 0.02 + (0.005 if index % 2 else 0.0))
    assert abs(statistics.report_block(7, 8.0).jitter / 48000 - 0.005) < 0.0002


def test_packets_of_one_frame_do_not_count_as_jitter():
    statistics = ReceptionStatistics(90000)
    for frame in range(50):
        for part in range(5):
            statistics.add(frame * 5 + part, frame * 3000, frame / 30 + part * 0.004)
    assert statistics.report_block(7, 2.0).jitter / 90000 < 0.0005


def test_the_last_sender_report_is_echoed_with_its_delay():
    statistics = ReceptionStatistics(48000)
    receive(statistics, range(3))
    statistics.sender_report_seen(0x11112222_33334444, 10.0)
    block = statistics.report_block(7, 10.5)
    assert (block.lsr, block.dlsr) == (0x22223333, 32768)
