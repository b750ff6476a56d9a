"""Redundant audio (RFC 2198), block by block."""

import pytest

from meetings.relay.red import primary_block, renumbered


def test_the_primary_block_comes_last() -> None:
    payload = bytes((0x80 | 111, 0, 0, 2, 0x80 | 111, 0, 0, 1, 111, 1, 2, 3, 8, 9))
    assert primary_block(payload) == (111, b"\x08\x09")


def test_a_primary_block_may_be_alone() -> None:
    assert primary_block(bytes((111, 5))) == (111, b"\x05")
    assert primary_block(bytes((111,))) == (111, b"")


@pytest.mark.parametrize(
    "payload", [b"", b"\xef", b"\xef\0\0", b"\xef\0\0\x09\x6f", b"\xef\0\xff\xff\x6f\1\2"]
)
def test_headers_that_do_not_fit_are_refused(payload: bytes) -> None:
    assert primary_block(payload) is None


def test_blocks_get_the_subscribers_payload_type_and_keep_the_rest() -> None:
    payload = bytes((0x80 | 111, 7, 0, 2, 0x80 | 13, 0, 0, 1, 111, 1, 2, 3, 111, 9))
    expected = bytes((0x80 | 96, 7, 0, 2, 0x80 | 13, 0, 0, 1, 96, 1, 2, 3, 111, 9))
    assert renumbered(payload, 111, 96) == expected
    assert renumbered(payload, 111, 111) == payload
