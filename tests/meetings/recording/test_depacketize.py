import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetings.recording.depacketize import SequenceExtender, ordered, video_frames
from meetings.recording.errors import UnsupportedMedia
from meetings.recording.log import RtpRecord, SenderReport
from meetings.recording.opus import MAX_SAMPLES, duration_samples
from meetings.recording.payloads import VideoPart, vp8_part, vp9_part
from meetings.recording.streams import TimestampExtender, parse_rtp

SECOND = 10**9


def rtp(sequence, timestamp=0, payload=b"x", marker=True, first=0x80, ssrc=1):
    head = struct.pack("!BBHII", first, 96 | marker << 7, sequence % 65536, timestamp % 2**32, ssrc)
    return head + payload


def numbers(arrivals):
    """Released sequence numbers for (sequence, arrival in s) pairs."""
    records = [RtpRecord(rtp(sequence), round(at * SECOND)) for sequence, at in arrivals]
    return [packet.position[1] % 65536 for packet in ordered(records, 48_000)]


def test_reordered_and_doubled_packets_across_the_wrap_come_out_once_in_order():
    sent = [(65_530 + n) % 65_536 for n in range(12)]
    arrivals = [(sequence, place * 0.02) for place, sequence in enumerate(sent)]
    arrivals[3], arrivals[4] = (arrivals[4][0], 0.06), (arrivals[3][0], 0.08)
    arrivals.insert(8, arrivals[7])
    assert numbers(arrivals) == sent


def test_a_retransmission_within_two_seconds_is_put_in_its_place():
    assert numbers([(1, 0), (3, 0.02), (4, 0.04), (2, 1.5), (5, 1.6)]) == [1, 2, 3, 4, 5]


def test_a_packet_later_than_that_is_given_up():
    assert numbers([(1, 0), (3, 0.02), (4, 3.0), (2, 3.1), (5, 3.2)]) == [1, 3, 4, 5]


def test_a_sender_that_starts_anew_is_heard():
    extender = SequenceExtender()
    assert [extender.extend(s) for s in (40_000, 39_990, 40_001, 100, 101)] == [
        40_000,
        39_990,
        40_001,
        65_636,
        65_637,
    ]


@given(st.lists(st.binary(max_size=40), max_size=30), st.sampled_from(["video/VP8", "video/VP9"]))
def test_arbitrary_packets_never_raise(packets, mime):
    records = [RtpRecord(packet, at) for at, packet in enumerate(packets)]
    frames = list(video_frames(records, 90_000, mime))
    assert len(frames) <= len(packets)


@given(st.binary(max_size=40))
def test_arbitrary_payloads_are_parsed_or_refused(data):
    for part in (vp8_part(data), vp9_part(data)):
        assert part is None or data.endswith(part.payload)
    samples = duration_samples(data)
    assert samples is None or 0 < samples <= MAX_SAMPLES


@pytest.mark.parametrize(
    ("packet", "payload"),
    [
        (rtp(1, payload=b"abc"), b"abc"),
        (rtp(1, payload=b"abc\0\0\3", first=0xA0), b"abc"),
        (rtp(1, payload=b"\0\0\0\4abc", first=0x81), b"abc"),
        (rtp(1, payload=b"\xbe\xde\0\1....abc", first=0x90), b"abc"),
        (rtp(1, payload=b"\5", first=0xA0), None),
        (rtp(1, payload=b"ab\0", first=0xA0), None),
        (rtp(1, payload=b"\xbe\xde\0\7", first=0x90), None),
        (rtp(1, payload=b"abc", first=0x40), None),
        (b"short", None),
    ],
)
def test_headers_extensions_and_padding_are_taken_off(packet, payload):
    parsed = parse_rtp(packet)
    assert (parsed.payload if parsed else None) == payload


def test_timestamps_wrap_even_after_a_rest_of_half_a_day():
    extender = TimestampExtender(90_000)
    first = 0xFFFFFFF0
    before = extender.packet(parse_rtp(rtp(1, first)), RtpRecord(b"", 0))
    report = extender.report(SenderReport(1, (first + 90_000) % 2**32, SECOND))
    later = 43_200 * 90_000
    after = extender.packet(parse_rtp(rtp(2, first + later)), RtpRecord(b"", 43_201 * SECOND))
    assert (report - before, after - before) == (90_000, later)


def test_vp8_descriptors_of_every_shape():
    key = b"\x10frame"
    assert vp8_part(b"\x10" + key) == VideoPart(key, True, True)
    assert vp8_part(b"\x00rest") == VideoPart(b"rest", False, False)
    assert vp8_part(b"\x11" + key) == VideoPart(key, False, False)
    assert vp8_part(b"\x90\xf0\x81\x02\x03\x04" + key) == VideoPart(key, True, True)
    assert vp8_part(b"\x90\x80\x05" + b"\x11delta") == VideoPart(b"\x11delta", True, False)
    assert vp8_part(b"\x90\x80") is None


def test_vp9_descriptors():
    assert vp9_part(b"\x8c\x81\x02key") == VideoPart(b"key", True, True)
    assert vp9_part(b"\xcc\x05delta") == VideoPart(b"delta", True, False)
    # A scalability structure: one layer with its size, one picture with one reference.
    assert vp9_part(b"\x0a\x18\0\xa0\0\x60\x01\x04\x01key") == VideoPart(b"key", True, True)
    # An upper spatial layer only continues the sequence.
    assert vp9_part(b"\x28\x02\x00upper") == VideoPart(b"", False, False)
    assert vp9_part(b"\x58\x03\x03\x02") is None


def test_a_picture_without_end_is_not_kept():
    """Regression: parts under one timestamp, never marked as the last, gathered until memory was full."""
    start, part = bytes((0x10, 0x00)) + bytes(1100), bytes((0x00, 0x01)) + bytes(1100)

    def endless():
        for number in range(17_000):
            yield RtpRecord(rtp(number, 7, part if number else start, marker=number == 16_999), number)
        yield RtpRecord(rtp(17_000, 8, start), 17_000)

    assert [len(frame.payload) for frame in video_frames(endless(), 90_000, "video/VP8")] == [1101]


def test_padding_probes_between_packets_do_not_break_a_picture():
    delta = b"\x10\x11more"
    packets = [rtp(1, 0, b"\x10\x10key"), rtp(2, 0, b"\0\0\3", first=0xA0), rtp(3, 9000, delta)]
    records = [RtpRecord(packet, at) for at, packet in enumerate(packets)]
    frames = list(video_frames(records, 90_000, "video/VP8"))
    assert [(frame.payload, frame.keyframe) for frame in frames] == [(b"\x10key", True), (b"\x11more", False)]


def test_shuffled_within_the_window_equals_unshuffled():
    dice = random.Random(3)
    arrivals = [(n, n * 0.02) for n in range(300)]
    late = sorted(((n, at + dice.random()) for n, at in arrivals), key=lambda pair: pair[1])
    assert numbers(late) == numbers(arrivals) == list(range(300))


def test_other_video_is_refused_by_name():
    with pytest.raises(UnsupportedMedia, match="video/AV1"):
        video_frames([], 90_000, "video/AV1")
