"""Redundant audio (RFC 2198) through each data plane."""

import asyncio

from meetings.relay.plane import StreamSettings
from tests.meetings.relay.packets import rtp

from .client import TRACK, listening

OPUS, RED = 111, 63


async def test_red_goes_to_those_who_negotiated_it_and_its_primary_block_to_the_others(
    plane, clients
) -> None:
    """Regression: blocks kept the publisher's payload type, which a subscriber may use for something else."""
    publisher, subscriber = clients
    plane.add_stream(StreamSettings(1, 5, TRACK, 0, "OPUS", OPUS, 48_000, red_payload_type=RED))
    plane.subscribe(listening(3, ssrc=77, payload_type=109, red_payload_type=110))
    plane.subscribe(listening(4, ssrc=78, payload_type=109))
    for number in (3, 4):
        plane.steer(number, 5)
    await asyncio.sleep(0.05)
    publisher.media(rtp(5, 1, 960, bytes((0x80 | OPUS, 3, 192, 3, OPUS)) + b"oldnew", RED))
    got = {header.ssrc: (header.payload_type, payload) for header, payload in await several(subscriber, 2)}
    assert got == {77: (110, bytes((0x80 | 109, 3, 192, 3, 109)) + b"oldnew"), 78: (109, b"new")}
    publisher.media(rtp(5, 2, 1920, b"plain", OPUS))
    got = {header.ssrc: (header.payload_type, payload) for header, payload in await several(subscriber, 2)}
    assert got == {77: (109, b"plain"), 78: (109, b"plain")}


async def test_red_that_does_not_hold_what_it_says_reaches_nobody(plane, clients) -> None:
    publisher, subscriber = clients
    plane.add_stream(StreamSettings(1, 5, TRACK, 0, "OPUS", OPUS, 48_000, red_payload_type=RED))
    plane.subscribe(listening(3, ssrc=77, red_payload_type=110))
    plane.steer(3, 5)
    await asyncio.sleep(0.05)
    publisher.media(
        rtp(5, 1, 960, bytes((0x80 | OPUS, 3, 195, 255, OPUS)) + b"short", RED),
        rtp(5, 2, 1920, bytes((13,)) + b"comfort noise", RED),
        rtp(5, 3, 2880, bytes((OPUS,)), RED),
        rtp(5, 4, 3840, bytes((OPUS,)) + b"sound", RED),
    )
    _, payload = await subscriber.rtp()
    assert payload == bytes((OPUS,)) + b"sound"
    assert await subscriber.silence(0.05) == []


async def several(client, count: int) -> list:
    return [await client.rtp() for _ in range(count)]
