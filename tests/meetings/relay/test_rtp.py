"""RTP headers, against aiortc's own reader and arbitrary bytes."""

import struct

import pytest
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from meetings.relay.errors import MalformedPacket
from meetings.relay.rtp import (
    Kind,
    SequenceUnwrapper,
    abs_send_time,
    classify,
    is_padding_only,
    parse_rtp,
)
from tests.peers.rtp import rebuild_rtp


def rtp(*, first=0x80, second=96, sequence=7, tail=b"payload"):
    return struct.pack("!BBHII", first, second, sequence, 1000, 0xCAFE) + tail


@pytest.mark.parametrize(
    ("datagram", "kind"),
    [
        (b"", Kind.UNKNOWN),
        (b"\x80", Kind.UNKNOWN),
        (b"\x00\x01", Kind.STUN),
        (b"\x03\x01", Kind.STUN),
        (b"\x04\x01", Kind.UNKNOWN),
        (b"\x13\x01", Kind.UNKNOWN),
        (b"\x14\xfe", Kind.DTLS),
        (b"\x3f\xfe", Kind.DTLS),
        (b"\x40\x00", Kind.UNKNOWN),
        (b"\x80\x60", Kind.RTP),
        (b"\xbf\xbf", Kind.RTP),
        (b"\x80\xc0", Kind.RTCP),
        (b"\x80\xc8", Kind.RTCP),
        (b"\x80\xdf", Kind.RTCP),
        (b"\x80\xe0", Kind.RTP),
        (b"\xc0\xc8", Kind.UNKNOWN),
    ],
)
def test_tells_protocols_apart_by_their_first_bytes(datagram, kind):
    assert classify(datagram) is kind


def test_reads_the_fixed_header():
    header = parse_rtp(rtp(second=0x80 | 111))
    assert (header.marker, header.payload_type, header.sequence) == (True, 111, 7)
    assert (header.timestamp, header.ssrc, header.payload_offset) == (1000, 0xCAFE, 12)
    assert header.extensions == {}


def test_skips_contributing_sources():
    header = parse_rtp(rtp(first=0x82, tail=bytes(8) + b"payload"))
    assert header.payload_offset == 20


def test_reads_one_byte_extensions_with_padding_between_them():
    block = b"\x10\xff" + b"\x00" + b"\x32abc" + b"\x00"
    header = parse_rtp(rtp(first=0x90, tail=struct.pack("!HH", 0xBEDE, 2) + block + b"payload"))
    assert header.extensions == {1: b"\xff", 3: b"abc"}
    assert header.payload_offset == 24


@pytest.mark.parametrize("stop", [b"\xf0", b"\x02"])
def test_one_byte_extensions_end_at_the_reserved_identifiers(stop):
    block = b"\x10\xff" + stop + b"\x10\xee" + bytes(3)
    header = parse_rtp(rtp(first=0x90, tail=struct.pack("!HH", 0xBEDE, 2) + block))
    assert header.extensions == {1: b"\xff"}


def test_reads_two_byte_extensions():
    block = b"\x01\x00" + b"\x00" + b"\x14\x03abc"
    header = parse_rtp(rtp(first=0x90, tail=struct.pack("!HH", 0x1000, 2) + block + b"payload"))
    assert header.extensions == {1: b"", 20: b"abc"}


def test_leaves_unknown_extension_profiles_alone():
    header = parse_rtp(rtp(first=0x90, tail=struct.pack("!HH", 0x4242, 1) + b"\x10\xff\x10\xff" + b"x"))
    assert header.extensions == {}
    assert header.payload_offset == 20


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        rtp()[:11],
        rtp(first=0x40),
        rtp(first=0x8F, tail=b""),
        rtp(first=0x90, tail=b"\xbe\xde"),
        rtp(first=0x90, tail=b"\xbe\xde\x00\x02abcd"),
        rtp(first=0x90, tail=b"\xbe\xde\x00\x01\x13ab\x00"),
        rtp(first=0x90, tail=b"\x10\x00\x00\x01\x01\x09ab"),
        rtp(first=0x90, tail=b"\x10\x00\x00\x01\x00\x00\x00\x01"),
        rtp(first=0xA0, tail=b"ab\x00"),
        rtp(first=0xA0, tail=b"ab\x04"),
        rtp(first=0xA0, tail=b""),
    ],
)
def test_refuses_headers_that_do_not_fit_their_packet(packet):
    with pytest.raises(MalformedPacket):
        parse_rtp(packet)


@given(st.binary(max_size=80), st.sampled_from([b"", b"\x80", b"\x90", b"\xb0", b"\xbf"]))
def test_no_bytes_raise_anything_else(tail, first):
    packet = first + tail
    try:
        header = parse_rtp(packet)
    except MalformedPacket:
        return
    assert 12 <= header.payload_offset <= len(packet) - header.padding


@pytest.mark.parametrize(("tail", "expected"), [(b"\x00\x00\x03", True), (b"", True), (b"x\x00\x02", False)])
def test_recognises_padding_only_probes(tail, expected):
    packet = rtp(first=0xA0 if tail else 0x80, tail=tail)
    assert is_padding_only(packet, parse_rtp(packet)) is expected


def rebuilt(packet, **changes):
    fields = {"payload_type": 100, "sequence": 5, "timestamp": 6, "ssrc": 7, "extensions": []} | changes
    return rebuild_rtp(packet, parse_rtp(packet), **fields)


def test_rebuilding_drops_sources_padding_and_old_extensions():
    block = struct.pack("!HH", 0xBEDE, 1) + b"\x10\xff\x00\x00"
    packet = rtp(first=0xB1, second=0x80 | 96, tail=bytes(4) + block + b"payload" + b"\x00\x02")
    out = RtpPacket.parse(rebuilt(packet))
    assert out.payload == b"payload"
    assert (out.marker, out.payload_type, out.sequence_number) == (1, 100, 5)
    assert (out.timestamp, out.ssrc, out.csrc, out.padding_size) == (6, 7, [], 0)
    assert parse_rtp(rebuilt(packet)).extensions == {}


def test_rebuilding_replaces_payload_and_marker_and_wraps_numbers():
    out = RtpPacket.parse(rebuilt(rtp(), payload=b"new", marker=True, sequence=65536 + 3, timestamp=-1))
    assert (out.payload, out.marker, out.sequence_number, out.timestamp) == (b"new", 1, 3, 0xFFFFFFFF)


@given(
    st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), min_size=1),
    st.dictionaries(st.integers(1, 255), st.binary(max_size=255), min_size=1, max_size=5),
    st.booleans(),
    st.binary(min_size=1, max_size=50),
)
def test_extensions_survive_in_whichever_form_they_need(small, large, use_large, payload):
    extensions = large if use_large else small
    packet = rebuilt(rtp(tail=payload), extensions=list(extensions.items()))
    header = parse_rtp(packet)
    assert header.extensions == extensions
    assert packet[header.payload_offset :] == payload
    if not use_large:
        assert packet[12:14] == b"\xbe\xde"


@given(
    start=st.integers(0, 2**16 - 1),
    steps=st.lists(st.integers(-(2**15) + 1, 2**15 - 1), max_size=50),
)
def test_unwrapping_follows_any_walk_of_short_steps(start, steps):
    value, follow = start, SequenceUnwrapper()
    assert follow.unwrap(value) == value
    for step in steps:
        value += step
        assert follow.unwrap(value % 2**16) == value


def test_absolute_send_time_is_24_bits_of_six_eighteen_fixed_point():
    assert abs_send_time(1.5) == (3 << 17).to_bytes(3, "big")
    assert abs_send_time(64.0) == bytes(3)
    assert abs_send_time(1_790_000_000.25) == abs_send_time(1_790_000_000.25 % 64)
