"""Keyframes and VP8 descriptors, from payloads written by hand after the RFCs."""

import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from hypothesis import given
from hypothesis import strategies as st

from meetings.relay.codecs import is_keyframe_start, parse_vp8, rewrite_vp8

MIMES = ["video/VP8", "video/VP9", "video/H264", "video/AV1", "audio/opus"]


@pytest.mark.parametrize(
    ("mime", "payload", "expected"),
    [
        ("video/VP8", "10 00", True),
        ("video/VP8", "10 01", False),
        ("video/VP8", "00 00", False),
        ("video/VP8", "11 00", False),
        ("video/VP8", "90 80 81 23 00", True),
        ("video/VP8", "90 80 81 23 01", False),
        ("video/VP8", "90 80 81", False),
        ("video/vp8", "10 00", True),
        ("video/VP9", "08", True),
        ("video/VP9", "48", False),
        ("video/VP9", "00", False),
        ("video/VP9", "a8 81 23 00", True),
        ("video/VP9", "a8 81 23 02", False),
        ("video/VP9", "a8 11 00", True),
        ("video/VP9", "a8", False),
        ("video/H264", "67 42", True),
        ("video/H264", "65 88", True),
        ("video/H264", "65 40", False),
        ("video/H264", "41 9a", False),
        ("video/H264", "78 00 02 67 42 00 02 68 ce", True),
        ("video/H264", "78 00 02 09 10 00 02 65 88", True),
        ("video/H264", "78 00 02 41 9a", False),
        ("video/H264", "78 00", False),
        ("video/H264", "7c 85 88", True),
        ("video/H264", "7c 05 88", False),
        ("video/H264", "7c 81 88", False),
        ("video/H264", "7c", False),
        ("video/AV1", "08", True),
        ("video/AV1", "18 0a", True),
        ("video/AV1", "88", False),
        ("video/AV1", "10", False),
        ("audio/opus", "08", False),
        ("video/VP8", "", False),
    ],
)
def test_knows_where_a_keyframe_starts(mime, payload, expected):
    assert is_keyframe_start(mime, bytes.fromhex(payload)) is expected


@given(st.sampled_from(MIMES), st.binary(max_size=12))
def test_no_payload_raises(mime, payload):
    assert is_keyframe_start(mime, payload) in (True, False)


def test_reads_a_full_descriptor():
    descriptor = parse_vp8(bytes.fromhex("90 e0 92 34 2a 80 01 ff"))
    assert descriptor is not None
    assert (descriptor.size, descriptor.picture_id, descriptor.picture_id_bits) == (6, 0x1234, 15)
    assert (descriptor.tl0_picture_index, descriptor.temporal_id) == (42, 2)
    assert descriptor.start_of_partition
    assert not descriptor.keyframe


@given(st.binary(min_size=1, max_size=8))
def test_agrees_with_another_reader(payload):
    ours = parse_vp8(payload)
    try:
        theirs, rest = VpxPayloadDescriptor.parse(payload)
    except ValueError:
        assert ours is None
        return
    assert ours is not None
    assert payload[ours.size :] == rest
    assert ours.picture_id == theirs.picture_id
    assert ours.tl0_picture_index == theirs.tl0picidx


@given(st.binary(min_size=1, max_size=10), st.integers(0, 2**16), st.integers(0, 2**9))
def test_rewriting_changes_the_two_numbers_and_nothing_else(payload, picture_id, tl0):
    before = parse_vp8(payload)
    if before is None:
        return
    written = rewrite_vp8(payload, before, picture_id=picture_id, tl0_picture_index=tl0)
    after = parse_vp8(written)
    assert after is not None
    assert len(written) == len(payload)
    assert written[after.size :] == payload[before.size :]
    assert (after.size, after.picture_id_bits) == (before.size, before.picture_id_bits)
    assert (after.temporal_id, after.keyframe) == (before.temporal_id, before.keyframe)
    if before.picture_id is not None:
        assert after.picture_id == picture_id % 2**before.picture_id_bits
    if before.tl0_picture_index is not None:
        assert after.tl0_picture_index == tl0 % 256
