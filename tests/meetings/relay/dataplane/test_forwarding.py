"""Media through a data plane: real sockets, real SRTP on both ends."""

import asyncio

import pytest
from pylibsrtp import Error

from meetings.relay.interface import RtpHeader
from meetings.relay.rtcp import FullIntraRequest, Nack, PictureLoss, SenderReport
from tests.meetings.relay.packets import rtp, vp8
from tests.peers.rtp import rebuild_rtp

from .client import TRACK, camera, listening, microphone, session, watching


class Tap:
    def __init__(self) -> None:
        self.seen: list[tuple[int, bytes]] = []

    def packet(self, ssrc: int, header: RtpHeader, packet: bytes, now: float) -> None:
        self.seen.append((header.sequence, packet[header.payload_offset :]))


def opus(sequence: int, ssrc: int = 5, payload: bytes = b"hello") -> bytes:
    return rtp(ssrc, sequence, sequence * 960, payload, 111)


async def until(condition, seconds: float = 3.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_packet_goes_to_every_subscriber_and_tap(plane, clients) -> None:
    publisher, subscriber = clients
    tap = Tap()
    plane.add_stream(microphone())
    plane.subscribe(listening(3, ssrc=77, mid_extension=4, mid=b"7"))
    plane.subscribe(listening(4, ssrc=78))
    for number in (3, 4):
        plane.steer(number, 5)
    plane.tap(TRACK, tap)
    plane.tap(TRACK, tap)
    await asyncio.sleep(0.05)
    publisher.media(opus(77))
    got = {
        header.ssrc: (header.extensions, payload)
        for header, payload in [await subscriber.rtp() for _ in "12"]
    }
    assert got == {77: ({4: b"7"}, b"hello"), 78: ({}, b"hello")}
    await until(lambda: tap.seen)
    plane.unsubscribe(3)
    plane.untap(TRACK, tap)
    await asyncio.sleep(0.05)
    publisher.media(opus(78))
    assert (await subscriber.rtp())[0].ssrc == 78
    assert await subscriber.silence() == []
    assert tap.seen == [(77, b"hello")]


async def test_nothing_is_sent_before_it_is_steered_and_nothing_while_paused(plane, clients) -> None:
    publisher, subscriber = clients
    plane.add_stream(microphone())
    plane.subscribe(listening())
    await asyncio.sleep(0.05)
    publisher.media(opus(1))
    assert await subscriber.silence() == []
    plane.steer(3, 5)
    await asyncio.sleep(0.05)
    publisher.media(opus(2))
    first, _ = await subscriber.rtp()
    plane.steer(3, None)
    await asyncio.sleep(0.05)
    publisher.media(opus(3))
    assert await subscriber.silence() == []
    plane.steer(3, 5)
    await asyncio.sleep(0.05)
    publisher.media(opus(90))
    again, _ = await subscriber.rtp()
    assert again.sequence == (first.sequence + 1) & 0xFFFF


async def test_probes_are_left_out_and_leave_no_hole(plane, clients) -> None:
    publisher, subscriber = clients
    plane.add_stream(microphone())
    plane.subscribe(listening())
    plane.steer(3, 5)
    await asyncio.sleep(0.05)
    probe = bytearray(rtp(5, 2, 960, bytes(7) + b"\x08", 111))
    probe[0] |= 0x20
    publisher.media(opus(1), bytes(probe), opus(3))
    numbers = [(await subscriber.rtp())[0].sequence for _ in range(2)]
    assert (numbers[1] - numbers[0]) & 0xFFFF == 1
    await until(lambda: (report := plane.stream_report(1, 5)) and report.packets == 3)


async def test_a_muted_track_is_silent_whatever_its_client_does(plane, clients) -> None:
    publisher, subscriber = clients
    plane.add_stream(microphone())
    plane.subscribe(listening())
    plane.steer(3, 5)
    plane.mute(TRACK, True)
    await asyncio.sleep(0.05)
    publisher.media(opus(1))
    assert await subscriber.silence() == []
    plane.mute(TRACK, False)
    await asyncio.sleep(0.05)
    publisher.media(opus(2))
    assert (await subscriber.rtp())[1] == b"hello"


async def test_a_layer_switch_waits_for_a_keyframe_and_asks_for_it(plane, clients) -> None:
    publisher, subscriber = clients
    plane.add_stream(camera(11, 0))
    plane.add_stream(camera(13, 2))
    plane.subscribe(watching())
    plane.steer(3, 11)
    await asyncio.sleep(0.05)
    publisher.media(rtp(11, 1, 0, vp8(5, 1, key=False)))
    loss = await publisher.told(PictureLoss)
    assert isinstance(loss, PictureLoss)
    assert loss.media_ssrc == 11
    publisher.media(rtp(11, 2, 3000, vp8(6, 2, key=True)), rtp(11, 3, 6000, vp8(7, 3, key=False)))
    before = [await subscriber.rtp() for _ in range(2)]
    plane.steer(3, 13)
    await asyncio.sleep(0.05)
    publisher.media(rtp(13, 500, 900, vp8(900, 90, key=False)), rtp(11, 4, 9000, vp8(8, 4, key=False)))
    before.append(await subscriber.rtp())
    publisher.media(rtp(13, 501, 3900, vp8(901, 91, key=True)), rtp(11, 5, 12_000, vp8(9, 5, key=False)))
    after = await subscriber.rtp()
    assert await subscriber.silence() == []
    headers = [header for header, _ in (*before, after)]
    assert [(header.sequence - headers[0].sequence) & 0xFFFF for header in headers] == [0, 1, 2, 3]
    assert 0 < (headers[3].timestamp - headers[2].timestamp) & 0xFFFFFFFF < 90_000
    assert after[1][2:5] == bytes((0x80, 9, 5))  # picture 8 + 1, TL0 4 + 1
    await until(lambda: (report := plane.subscription_report(3)) and report.switches == 1)
    assert plane.subscription_report(3).current_ssrc == 13


async def test_lost_packets_are_sent_again_by_rtx(plane, clients) -> None:
    publisher, subscriber = clients
    plane.add_stream(camera(11))
    plane.subscribe(watching(rtx=(78, 101)))
    plane.steer(3, 11)
    await asyncio.sleep(0.05)
    publisher.media(rtp(11, 1, 0, vp8(6, 2, key=True)))
    first, payload = await subscriber.rtp()
    subscriber.control(Nack(1, 77, (first.sequence, (first.sequence + 9) & 0xFFFF)))
    again, repeated = await subscriber.rtp()
    assert (again.ssrc, again.payload_type, again.timestamp) == (78, 101, first.timestamp)
    assert repeated == first.sequence.to_bytes(2, "big") + payload
    subscriber.control(Nack(1, 77, (first.sequence,)))
    assert await subscriber.silence() == []  # one packet sent earns one repeat: no amplifier
    await until(lambda: (report := plane.subscription_report(3)) and report.nacked == 3)
    assert plane.subscription_report(3).retransmitted == 1


async def test_what_a_publisher_repeats_takes_its_old_place(plane, clients) -> None:
    publisher, subscriber = clients
    plane.add_stream(camera(11))
    plane.add_repair(1, 12, 11, 97)
    plane.subscribe(watching())
    plane.steer(3, 11)
    await asyncio.sleep(0.05)
    publisher.media(rtp(11, 1, 0, vp8(6, 2, key=True)), rtp(11, 3, 6000, vp8(8, 4, key=False)))
    nack = await publisher.told(Nack)
    assert isinstance(nack, Nack)
    assert (nack.media_ssrc, nack.lost) == (11, (2,))
    publisher.media(rtp(12, 900, 3000, (2).to_bytes(2, "big") + vp8(7, 3, key=False), 97))
    headers = [await subscriber.rtp() for _ in range(3)]
    assert [(header.sequence - headers[0][0].sequence) & 0xFFFF for header, _ in headers] == [0, 2, 1]
    assert headers[2][1] == vp8(7, 3, key=False)
    await until(lambda: (report := plane.stream_report(1, 11)) and report.repaired == 1)


async def test_a_repeat_is_no_reception(plane, clients) -> None:
    """Regression: repeats by which browsers probe the path were told as losses, a third of the upload."""
    publisher, _ = clients
    plane.add_stream(camera(11))
    plane.add_repair(1, 12, 11, 97)
    await asyncio.sleep(0.05)
    publisher.media(*(rtp(11, number, 0, vp8(6, 2, key=True)) for number in (1, 2, 4)))
    publisher.media(
        *(
            rtp(12, 900 + number, 0, number.to_bytes(2, "big") + vp8(6, 2, key=True), 97)
            for number in (1, 2, 3)
        )
    )
    await until(lambda: (report := plane.stream_report(1, 11)) and report.repaired == 3)
    report = plane.stream_report(1, 11)
    assert (report.packets, report.lost) == (6, 1)


async def test_a_subscriber_that_lost_its_picture_gets_a_keyframe(plane, clients) -> None:
    publisher, subscriber = clients
    plane.add_stream(camera(11))
    plane.subscribe(watching())
    plane.steer(3, 11)
    await asyncio.sleep(0.05)
    publisher.media(rtp(11, 1, 0, vp8(6, 2, key=True)))
    await subscriber.rtp()
    await asyncio.sleep(0.6)
    publisher.media(rtp(11, 2, 3000, vp8(7, 3, key=False)))
    await subscriber.rtp()
    await publisher.silence(0.05)
    for _ in range(5):
        subscriber.control(PictureLoss(1, 77), FullIntraRequest(1, (77,)))
    loss = await publisher.told(PictureLoss)
    assert isinstance(loss, PictureLoss)
    assert loss.media_ssrc == 11
    assert subscriber.rtcp == []  # the plane's own business


async def test_sender_reports_speak_of_the_outgoing_timestamps(plane, clients) -> None:
    publisher, subscriber = clients
    plane.add_stream(microphone())
    plane.subscribe(listening())
    plane.steer(3, 5)
    await asyncio.sleep(0.05)
    publisher.control(SenderReport(5, 100 << 32, 48_000, 1, 5))
    publisher.media(rtp(5, 1, 48_000, b"hello", 111))
    header, _ = await subscriber.rtp()
    report = await subscriber.told(SenderReport)
    assert isinstance(report, SenderReport)
    assert (report.ssrc, report.packet_count) == (77, 1)
    seconds = (report.ntp - (100 << 32)) / (1 << 32)
    assert 0 <= seconds < 2.5
    assert abs(((report.rtp_timestamp - header.timestamp) & 0xFFFFFFFF) - seconds * 48_000) < 480
    await until(lambda: publisher.rtcp)  # sender reports are told, too


async def test_packets_that_overtake_the_handshake_are_kept(plane, clients) -> None:
    from .client import Client

    early, tap = Client(plane, 3, secured=False), Tap()
    plane.add_stream(microphone(transport=3))
    plane.tap(TRACK, tap)
    await asyncio.sleep(0.05)
    for sequence in range(100):
        early.media(opus(sequence))
    await asyncio.sleep(0.15)
    assert tap.seen == []
    plane.secure(3, early.sessions)
    await until(lambda: len(tap.seen) == 64)
    assert [sequence for sequence, _ in tap.seen] == list(range(64))
    assert plane.counters()["early_dropped"] == 36
    early.socket.close()


async def test_an_unknown_source_may_be_added_in_time_for_its_first_packet(plane, clients) -> None:
    publisher, _ = clients
    tap = Tap()
    plane.tap(TRACK, tap)
    publisher.rtp_unknown = lambda header, packet, now: plane.add_stream(microphone(header.ssrc))
    await asyncio.sleep(0.05)
    publisher.media(opus(3))
    await until(lambda: tap.seen)
    assert tap.seen == [(3, b"hello")]


async def test_a_replayed_packet_is_refused(plane, clients) -> None:
    publisher, _ = clients
    tap = Tap()
    plane.add_stream(microphone())
    plane.tap(TRACK, tap)
    await asyncio.sleep(0.05)
    data = publisher.send.protect(opus(3))
    publisher.raw(data)
    publisher.raw(data)
    await asyncio.sleep(0.15)
    assert tap.seen == [(3, b"hello")]


async def test_congestion_feedback_speaks_of_what_came(plane, clients) -> None:
    publisher, _ = clients
    plane.add_stream(camera(5))
    plane.watch_congestion(1, 3)
    await asyncio.sleep(0.05)
    head = RtpHeader(False, 96, 1, 0, 5, 12, 0, {})
    for number in (10, 12):
        publisher.media(
            rebuild_rtp(
                bytes(14),
                head,
                payload_type=96,
                sequence=number,
                timestamp=0,
                ssrc=5,
                extensions=[(3, number.to_bytes(2, "big"))],
            )
        )
    while True:
        feedback = publisher.receive.unprotect_rtcp(await publisher.datagram())
        if feedback[:2] == b"\x8f\xcd":
            break
    assert int.from_bytes(feedback[12:14], "big") == 10
    assert int.from_bytes(feedback[14:16], "big") == 3


def test_a_session_refuses_what_another_key_made() -> None:
    """The far end of these tests is a real one: the wrong key does not open anything."""
    sealed = session(bytes(44), inbound=False).protect(rtp(5, 1, 0, b"x"))
    with pytest.raises(Error):
        session(bytes(43) + b"\1", inbound=True).unprotect(sealed)
