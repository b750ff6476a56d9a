"""Continuity of what a subscriber is sent: numbers, clock, pictures."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.protocol.models import TrackInfo, TrackType, VideoLayer

from meetings.relay.downtrack import DownTrack, SequenceMap
from meetings.relay.interface import RtpHeader
from meetings.relay.rtp import parse_rtp, rebuild_rtp
from meetings.relay.sdp import MID, Codec
from meetings.relay.uptrack import Layer, UpTrack

VP8 = Codec(96, "VP8", 90_000)
OPUS = Codec(111, "opus", 48_000, 2)


def vp8(picture: int, tl0: int, *, key: bool) -> bytes:
    return bytes((0x90, 0xE0, 0x80 | picture >> 8, picture & 0xFF, tl0, 0x00, 0x00 if key else 0x01)) + bytes(
        20
    )


def rtp(ssrc: int, sequence: int, timestamp: int, payload: bytes, payload_type: int = 96) -> bytes:
    head = RtpHeader(True, payload_type, sequence, timestamp, ssrc, 12, 0, {})
    return rebuild_rtp(
        bytes(12) + payload,
        head,
        payload_type=payload_type,
        sequence=sequence,
        timestamp=timestamp,
        ssrc=ssrc,
        extensions=[],
    )


def video_track() -> UpTrack:
    sizes = [VideoLayer(quality=number, width=320 << number, height=180 << number) for number in range(3)]
    info = TrackInfo(sid="TR_v", type=TrackType.VIDEO, layers=sizes)
    return UpTrack(1, info, "cid", "ann", "PA_1", codec=VP8, mid="3", order=["q", "h", "f"])


def subscription(up: UpTrack, codec: Codec) -> DownTrack:
    down = DownTrack(up, transport=7)
    down.assign("5", Codec(100, codec.name, codec.clock_rate), {MID: 4})
    down.ready = True
    return down


def deliver(down: DownTrack, layer: Layer, packet: bytes, now: float) -> bytes:
    header = parse_rtp(packet)
    if layer.received(header, packet, now):
        return down.forward(layer, header, packet, now)
    down.skip(layer, header)
    return b""


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


def test_video_begins_with_a_keyframe_which_is_asked_for() -> None:
    up = video_track()
    layer = up.add_layer("q", 11)
    down = subscription(up, VP8)
    assert deliver(down, layer, rtp(11, 1, 0, vp8(5, 1, key=False)), 1.0) == b""
    assert layer.keyframe_due(1.0)
    out = deliver(down, layer, rtp(11, 2, 3000, vp8(6, 2, key=True)), 1.1)
    header = parse_rtp(out)
    assert (header.ssrc, header.payload_type, header.extensions) == (down.ssrc, 100, {4: b"5"})


def test_a_layer_switch_is_seamless() -> None:
    up = video_track()
    low, high = up.add_layer("q", 11), up.add_layer("f", 13)
    down = subscription(up, VP8)
    down.settings(disabled=False, quality=0, width=0, height=0)
    before = deliver(down, low, rtp(11, 100, 9_000, vp8(20, 3, key=True)), 1.0)
    down.settings(disabled=False, quality=2, width=0, height=0)
    deliver(down, high, rtp(13, 7_000, 500_000, vp8(900, 90, key=False)), 1.02)
    down.retarget(1.03)
    assert deliver(down, high, rtp(13, 7_001, 500_000, vp8(901, 91, key=False)), 1.05) == b""
    assert deliver(down, low, rtp(11, 101, 12_000, vp8(21, 4, key=False)), 1.06) != b""
    after = deliver(down, high, rtp(13, 7_002, 503_000, vp8(902, 92, key=True)), 1.1)
    assert deliver(down, low, rtp(11, 102, 15_000, vp8(22, 5, key=False)), 1.11) == b""
    first, second = parse_rtp(before), parse_rtp(after)
    assert second.sequence == (first.sequence + 2) & 0xFFFF
    assert 0 < (second.timestamp - first.timestamp) & 0xFFFFFFFF < 90_000
    assert after[second.payload_offset + 2 :][:3] == bytes((0x80, 22, 5))  # picture 21 + 1, TL0 4 + 1
    assert down.switches == 1


def test_a_late_picture_before_a_switch_is_not_counted_twice() -> None:
    """Regression: the next layer's keyframe got the number of a picture that had gone already."""
    up = video_track()
    low, high = up.add_layer("q", 11), up.add_layer("f", 13)
    down = subscription(up, VP8)
    down.settings(disabled=False, quality=0, width=0, height=0)
    for sequence, picture in ((100, 20), (102, 22), (101, 21)):
        deliver(down, low, rtp(11, sequence, picture * 3000, vp8(picture, picture, key=picture == 20)), 1.0)
    down.settings(disabled=False, quality=2, width=0, height=0)
    deliver(down, high, rtp(13, 7, 0, vp8(900, 90, key=False)), 1.01)
    down.retarget(1.02)
    after = deliver(down, high, rtp(13, 8, 3000, vp8(901, 91, key=True)), 1.05)
    assert after[parse_rtp(after).payload_offset + 2 :][:3] == bytes((0x80, 23, 23))


def test_a_clock_that_was_set_does_not_stop_the_picture() -> None:
    """Regression: after a step of the publisher's clock a switch sent timestamps hours ahead."""
    up = video_track()
    low, high = up.add_layer("q", 11), up.add_layer("f", 13)
    down = subscription(up, VP8)
    down.settings(disabled=False, quality=0, width=0, height=0)
    before = parse_rtp(deliver(down, low, rtp(11, 1, 9_000, vp8(1, 1, key=True)), 1.0))
    low.sender_report(1_000 << 32, 9_000, 1.0)
    high.sender_report(4_600 << 32, 0, 1.0)  # an hour later
    down.settings(disabled=False, quality=2, width=0, height=0)
    deliver(down, high, rtp(13, 1, 0, vp8(1, 1, key=False)), 1.01)
    down.retarget(1.02)
    after = parse_rtp(deliver(down, high, rtp(13, 2, 3_000, vp8(2, 2, key=True)), 1.1))
    assert 0 < (after.timestamp - before.timestamp) & 0xFFFFFFFF < 90_000


def test_sender_reports_speak_of_the_outgoing_timestamps() -> None:
    up = UpTrack(1, TrackInfo(sid="TR_a"), "cid", "ann", "PA_1", codec=OPUS)
    layer = up.add_layer("", 5)
    down = subscription(up, OPUS)
    assert down.sender_report(1.0) is None
    out = parse_rtp(deliver(down, layer, rtp(5, 1, 48_000, b"x" * 20, 111), 10.0))
    layer.sender_report(100 << 32, 48_000, 10.0)
    report = down.sender_report(12.0)
    assert report is not None
    assert report.ntp >> 32 == 102
    assert report.rtp_timestamp - out.timestamp == 2 * 48_000
    assert (report.packet_count, report.ssrc) == (1, down.ssrc)


def test_nothing_flows_while_disabled_or_muted() -> None:
    up = video_track()
    layer = up.add_layer("q", 11)
    down = subscription(up, VP8)
    down.settings(disabled=True, quality=2, width=0, height=0)
    down.retarget(1.0)
    assert deliver(down, layer, rtp(11, 1, 0, vp8(1, 1, key=True)), 1.0) == b""
    assert down.demand() is None
    down.settings(disabled=False, quality=2, width=0, height=0)
    up.mute(True)
    assert deliver(down, layer, rtp(11, 2, 0, vp8(2, 1, key=True)), 1.1) == b""
    up.mute(False)
    assert deliver(down, layer, rtp(11, 3, 0, vp8(3, 1, key=True)), 1.2) != b""


@pytest.mark.parametrize(("width", "quality"), [(160, 0), (640, 1), (1280, 2), (4000, 2)])
def test_the_size_on_screen_chooses_the_layer(width: int, quality: int) -> None:
    down = subscription(video_track(), VP8)
    down.settings(disabled=False, quality=2, width=width, height=width * 9 // 16)
    assert down.wanted == quality


def test_when_the_best_layer_falls_silent_the_next_one_takes_over() -> None:
    up = video_track()
    low, high = up.add_layer("q", 11), up.add_layer("f", 13)
    down = subscription(up, VP8)
    deliver(down, high, rtp(13, 1, 0, vp8(1, 1, key=True)), 1.0)
    assert down.current is high
    deliver(down, low, rtp(11, 1, 0, vp8(1, 1, key=False)), 2.5)
    down.retarget(2.5)
    deliver(down, low, rtp(11, 2, 3000, vp8(2, 2, key=True)), 2.6)
    assert down.current is low
