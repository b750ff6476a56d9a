"""The feedback that the load generator's subscribers send, read by the relay's own reader."""

import struct

from meetings.relay.rtcp import transport_cc
from tests.bench.relay.congestion import Congestion, place
from tests.bench.relay.ears import HEADER

MS = 1_000_000


def header(number: int) -> bytes:
    extensions = bytes((0x40, 0x30)) + bytes((0x31,)) + struct.pack("!H", number) + bytes(3)
    start = struct.pack("!BBHIIHH", 0x90, 96, number & 0xFFFF, 0, 7, 0xBEDE, 2)
    return (start + extensions).ljust(HEADER, b"\0")


def stamp(at: int) -> bytes:
    return bytes(16) + struct.pack("=qq", *divmod(at, 1_000_000_000))


def test_the_number_is_found_among_other_extensions():
    assert place(header(5), 3) == 12 + 4 + 3
    assert place(header(5), 9) == 0


def told(congestion: Congestion, numbers: list[int], times: list[int]) -> list[dict[int, int | None]]:
    """What each packet says: delays in µs by number."""
    packets = congestion.packets([header(each) for each in numbers], [stamp(each) for each in times])
    return [dict(transport_cc.parse_feedback(packet[4:]).received) for packet in packets]


def test_what_came_and_what_did_not_is_told_with_its_time():
    times = [640 * MS + 5 * MS, 640 * MS + 6 * MS, 640 * MS + 16 * MS]
    (found,) = told(Congestion(3), [65534, 65535, 1], times)
    assert found == {65534: 5000, 65535: 1000, 0: None, 1: 10_000}


def test_nothing_is_told_twice_and_late_numbers_count_as_lost():
    congestion, heard, stamps = Congestion(3), [], []
    for number in (3, 4, 4, 7):
        heard.append(header(number))
        stamps.append(stamp(640 * MS))
    assert len(congestion.packets(heard, stamps)) == 1
    heard += [header(number) for number in (5, 8)]
    stamps += [stamp(704 * MS)] * 2
    (packet,) = congestion.packets(heard, stamps)
    feedback = transport_cc.parse_feedback(packet[4:])
    assert dict(feedback.received) == {8: 0}
    assert feedback.reference_time == 11


def test_many_packets_and_long_holes_make_several_feedbacks():
    found = told(Congestion(3), [*range(900), 3000], [640 * MS] * 901)
    assert sum(len(each) for each in found) <= 3001
    assert [number for each in found for number, delay in each.items() if delay is not None] == [
        *range(900),
        3000,
    ]
