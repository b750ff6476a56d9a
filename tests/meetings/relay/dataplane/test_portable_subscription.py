"""What a subscriber is sent: numbers, clock, pictures, across layers."""

from meetings.relay.dataplane.portable.router import Router
from meetings.relay.dataplane.portable.stream import Stream
from meetings.relay.dataplane.portable.subscription import Subscription
from meetings.relay.dataplane.portable.transport import Transport
from meetings.relay.plane import StreamSettings, SubscriptionSettings
from meetings.relay.rtp import parse_rtp
from tests.meetings.relay.packets import rtp, vp8


class Scene:
    """A router with a camera of two layers (SSRC 11 and 13) and one subscriber."""

    def __init__(self, codec: str = "VP8", *, red: int | None = None, takes_red: int | None = None) -> None:
        self.router = Router(voices=8)
        for number in (1, 2):
            self.router.transports[number] = Transport(number, None)  # type: ignore[arg-type]
        audio = codec == "OPUS"
        for ssrc, quality in ((11, 0),) if audio else ((11, 0), (13, 2)):
            self.router.add_stream(
                StreamSettings(
                    1,
                    ssrc,
                    9,
                    quality,
                    codec,
                    111 if audio else 96,
                    48_000 if audio else 90_000,
                    red_payload_type=red,
                )
            )
        self.router.subscribe(
            SubscriptionSettings(
                5, 2, 9, 77, 100, 90_000, mid_extension=4, mid=b"5", red_payload_type=takes_red, rtx=(78, 101)
            )
        )

    @property
    def down(self) -> Subscription:
        return self.router.subscriptions[5]

    def stream(self, ssrc: int) -> Stream:
        return self.router.transports[1].streams[ssrc]

    def deliver(self, packet: bytes, now: float) -> bytes:
        header = parse_rtp(packet)
        stream = self.stream(header.ssrc)
        if stream.received(header, packet, now):
            return self.down.forward(stream, header, now, 0)
        self.down.skip(stream, header)
        return b""


def test_video_begins_with_a_keyframe_which_is_asked_for() -> None:
    scene = Scene()
    scene.router.steer(5, 11)
    assert scene.deliver(rtp(11, 1, 0, vp8(5, 1, key=False)), 1.0) == b""
    assert scene.down.waiting_for_keyframe
    assert scene.stream(11).keyframe_due(1.0)
    header = parse_rtp(scene.deliver(rtp(11, 2, 3000, vp8(6, 2, key=True)), 1.1))
    assert (header.ssrc, header.payload_type, header.extensions) == (77, 100, {4: b"5"})
    assert not scene.down.waiting_for_keyframe


def test_a_layer_switch_is_seamless() -> None:
    scene = Scene()
    scene.router.steer(5, 11)
    before = scene.deliver(rtp(11, 100, 9_000, vp8(20, 3, key=True)), 1.0)
    scene.router.steer(5, 13)
    assert scene.deliver(rtp(13, 7_001, 500_000, vp8(901, 91, key=False)), 1.05) == b""
    assert scene.deliver(rtp(11, 101, 12_000, vp8(21, 4, key=False)), 1.06) != b""
    after = scene.deliver(rtp(13, 7_002, 503_000, vp8(902, 92, key=True)), 1.1)
    assert scene.deliver(rtp(11, 102, 15_000, vp8(22, 5, key=False)), 1.11) == b""
    first, second = parse_rtp(before), parse_rtp(after)
    assert second.sequence == (first.sequence + 2) & 0xFFFF
    assert 0 < (second.timestamp - first.timestamp) & 0xFFFFFFFF < 90_000
    assert after[second.payload_offset + 2 :][:3] == bytes((0x80, 22, 5))  # picture 21 + 1, TL0 4 + 1
    assert scene.down.report().switches == 1


def test_a_late_picture_before_a_switch_is_not_counted_twice() -> None:
    """Regression: the next layer's keyframe got the number of a picture that had gone already."""
    scene = Scene()
    scene.router.steer(5, 11)
    for sequence, picture in ((100, 20), (102, 22), (101, 21)):
        scene.deliver(rtp(11, sequence, picture * 3000, vp8(picture, picture, key=picture == 20)), 1.0)
    scene.router.steer(5, 13)
    after = scene.deliver(rtp(13, 8, 3000, vp8(901, 91, key=True)), 1.05)
    assert after[parse_rtp(after).payload_offset + 2 :][:3] == bytes((0x80, 23, 23))


def test_a_clock_that_was_set_does_not_stop_the_picture() -> None:
    """Regression: after a step of the publisher's clock a switch sent timestamps hours ahead."""
    scene = Scene()
    scene.router.steer(5, 11)
    before = parse_rtp(scene.deliver(rtp(11, 1, 9_000, vp8(1, 1, key=True)), 1.0))
    scene.stream(11).sender_report(1_000 << 32, 9_000, 1.0)
    scene.stream(13).sender_report(4_600 << 32, 0, 1.0)  # an hour later
    scene.router.steer(5, 13)
    after = parse_rtp(scene.deliver(rtp(13, 2, 3_000, vp8(2, 2, key=True)), 1.1))
    assert 0 < (after.timestamp - before.timestamp) & 0xFFFFFFFF < 90_000


def test_sender_reports_speak_of_the_outgoing_timestamps() -> None:
    scene = Scene("OPUS")
    scene.router.steer(5, 11)
    assert scene.down.report_due(1.0, every=1.0) is None
    out = parse_rtp(scene.deliver(rtp(11, 1, 48_000, b"x" * 20, 111), 10.0))
    scene.stream(11).sender_report(100 << 32, 48_000, 10.0)
    report = scene.down.report_due(12.0, every=1.0)
    assert report is not None
    assert report.ntp >> 32 == 102
    assert report.rtp_timestamp - out.timestamp == 2 * 48_000
    assert (report.packet_count, report.ssrc) == (1, 77)
    assert scene.down.report_due(12.5, every=1.0) is None


def test_nothing_flows_while_paused() -> None:
    scene = Scene()
    assert scene.deliver(rtp(11, 1, 0, vp8(1, 1, key=True)), 1.0) == b""
    scene.router.steer(5, 11)
    first = scene.deliver(rtp(11, 2, 3000, vp8(2, 1, key=True)), 1.1)
    scene.router.steer(5, None)
    assert scene.deliver(rtp(11, 3, 6000, vp8(3, 1, key=False)), 1.2) == b""
    scene.router.steer(5, 11)
    again = scene.deliver(rtp(11, 90, 90_000, vp8(4, 1, key=True)), 2.1)
    assert parse_rtp(again).sequence == (parse_rtp(first).sequence + 1) & 0xFFFF


def test_redundant_audio_goes_to_those_who_read_it_and_its_newest_block_to_the_others() -> None:
    """Regression: the blocks kept the publisher's payload type, which the subscriber may not know."""
    redundant = bytes((0x80 | 111, 0, 0, 3, 111)) + b"oldnew"
    renumbered = bytes((0x80 | 100, 0, 0, 3, 100)) + b"oldnew"
    for takes, kind, payload in ((63, 63, renumbered), (None, 100, b"new")):
        scene = Scene("OPUS", red=63, takes_red=takes)
        scene.router.steer(5, 11)
        out = scene.deliver(rtp(11, 1, 960, redundant, 63), 1.0)
        header = parse_rtp(out)
        assert (header.payload_type, out[header.payload_offset :]) == (kind, payload)


def test_a_repeat_carries_the_old_number_under_an_ssrc_of_its_own() -> None:
    scene = Scene()
    scene.router.steer(5, 11)
    out = scene.deliver(rtp(11, 1, 9_000, vp8(20, 3, key=True)), 1.0)
    again = scene.down.repeat(out, 1.1, 0)
    first, second = parse_rtp(out), parse_rtp(again)
    assert (second.ssrc, second.payload_type, second.timestamp) == (78, 101, first.timestamp)
    assert again[second.payload_offset :] == out[2:4] + out[first.payload_offset :]
    assert second.extensions == first.extensions
