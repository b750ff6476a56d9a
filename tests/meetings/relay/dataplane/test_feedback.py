"""What each data plane tells publishers, and what it hears from subscribers."""

import asyncio

from meetings.relay.plane import CongestionReport
from meetings.relay.rtcp import Nack, ReceiverReport, SenderReport, TransportFeedback
from meetings.relay.rtp import parse_rtp
from tests.meetings.relay.packets import rtp, vp8

from .client import camera, listening, microphone, watching
from .test_forwarding import opus, until

NUMBER = 5
TAG = 16  # AES-GCM's


async def test_what_goes_to_one_transport_is_numbered_across_its_streams(plane, clients) -> None:
    publisher, subscriber = clients
    plane.add_stream(microphone())
    plane.subscribe(listening(3, ssrc=77, congestion_extension=NUMBER))
    plane.subscribe(listening(4, ssrc=78, congestion_extension=NUMBER))
    plane.subscribe(listening(6, ssrc=79))
    for number in (3, 4, 6):
        plane.steer(number, 5)
    await asyncio.sleep(0.05)
    publisher.media(opus(1), opus(2), opus(3))
    headers = [(await subscriber.rtp())[0] for _ in range(9)]
    numbers = [_number(header) for header in headers if header.ssrc != 79]
    assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(6)]
    assert all(NUMBER not in header.extensions for header in headers if header.ssrc == 79)


async def test_feedback_becomes_a_report_of_what_arrived_and_how_late(plane, clients) -> None:
    publisher, subscriber = clients
    plane.add_stream(microphone())
    plane.subscribe(listening(congestion_extension=NUMBER))
    plane.steer(3, 5)
    await asyncio.sleep(0.05)

    async def arrive(*sequences: int) -> tuple[list[int], int]:
        publisher.media(*(opus(sequence) for sequence in sequences))
        data = [await subscriber.datagram() for _ in sequences]
        return [_number(parse_rtp(subscriber.receive.unprotect(each))) for each in data], len(data[0])

    (first, second), octets = await arrive(1, 2)
    subscriber.control(_feedback(first, 100, (0, 1_000)))
    await until(lambda: subscriber.journeys)
    report: CongestionReport = subscriber.journeys.pop()
    assert (report.received, report.lost, report.octets) == (2, 0, 2 * (octets - TAG))
    assert report.arrival_span_us == 1_000
    await asyncio.sleep(0.06)
    (third, _, fifth), _ = await arrive(3, 4, 5)
    await until(lambda: (sent := plane.transport_report(2)) and sent.sent_packets == 5)
    assert plane.transport_report(2).sent_octets == 5 * (octets - TAG)
    await until(lambda: (came := plane.transport_report(1)) and came.received_packets == 5)
    assert plane.transport_report(1).received_octets == 5 * len(opus(1))
    assert (fifth - second) & 0xFFFF == 3
    # One is missing: that is told at once. The last one arrived 92 ms after the second, by its own clock.
    subscriber.control(_feedback(third, 101, (9_000, None, 20_000)))
    await until(lambda: subscriber.journeys)
    report = subscriber.journeys.pop()
    assert (report.received, report.lost, report.octets) == (2, 1, 2 * (octets - TAG))
    assert report.arrival_span_us == 64_000 + 29_000 - 1_000
    assert 50_000 < report.sent_span_us < 5_000_000
    # Told once more, and of packets that nobody sent: nothing new.
    subscriber.control(_feedback(third, 101, (9_000, None, 20_000)), _feedback(third + 900, 102, (0,)))
    await asyncio.sleep(0.06)
    assert subscriber.journeys == []
    assert subscriber.rtcp == []  # the plane's own business


async def test_a_publisher_is_told_what_was_lost_though_it_was_repeated(plane, clients) -> None:
    """Regression: the portable plane counted a repeat by RTX as if nothing had been lost (RFC 4588 §6.3)."""
    publisher, _ = clients
    plane.add_stream(camera(11))
    plane.add_repair(1, 12, 11, 97)
    await asyncio.sleep(0.05)
    publisher.control(SenderReport(11, 100 << 32 | 7 << 16, 48_000, 1, 5))
    publisher.media(
        rtp(11, 1, 0, vp8(6, 2, key=True)),
        rtp(11, 3, 6000, vp8(8, 4, key=False)),
        rtp(12, 900, 3000, (2).to_bytes(2, "big") + vp8(7, 3, key=False), 97),
    )
    while not (report := await publisher.told(ReceiverReport)).reports:
        pass
    (block,) = report.reports
    assert (block.ssrc, block.packets_lost, block.fraction_lost) == (11, 1, 256 // 3)
    assert (block.highest_sequence & 0xFFFF, block.lsr) == (3, 100 << 16 | 7)
    assert 0 < block.dlsr < 3 * 65_536
    await until(lambda: (seen := plane.stream_report(1, 11)) and (seen.repaired, seen.lost) == (1, 1))


async def test_half_of_what_was_sent_is_repeated_at_most(plane, clients) -> None:
    """Someone who asks for the same packets over and over would make a UDP amplifier of the relay."""
    publisher, subscriber = clients
    plane.add_stream(camera(11))
    plane.subscribe(watching(rtx=(78, 101)))
    plane.steer(3, 11)
    await asyncio.sleep(0.05)
    publisher.media(*(rtp(11, step, 0, vp8(6, 2, key=step == 0)) for step in range(3)))
    sequences = tuple([(await subscriber.rtp())[0].sequence for _ in range(3)])
    for _ in range(100):
        subscriber.control(Nack(1, 77, sequences))
    await until(lambda: (report := plane.subscription_report(3)) and report.nacked == 300)
    assert plane.subscription_report(3).retransmitted == 2  # and one on account
    assert [header.ssrc for header in await subscriber.silence(0.05)] == 2 * [78]
    publisher.media(*(rtp(11, step, step * 3000, vp8(step, step, key=False)) for step in (3, 4)))
    for _ in range(2):
        await subscriber.rtp()
    subscriber.control(Nack(1, 77, sequences))
    assert len(await subscriber.silence(0.1)) == 1  # earned by the new ones


def _number(header) -> int:
    return int.from_bytes(header.extensions[NUMBER], "big")


def _feedback(base: int, reference: int, deltas: tuple[int | None, ...]) -> TransportFeedback:
    received = tuple(((base + step) & 0xFFFF, delta) for step, delta in enumerate(deltas))
    return TransportFeedback(1, 77, base & 0xFFFF, 0, reference, received)
