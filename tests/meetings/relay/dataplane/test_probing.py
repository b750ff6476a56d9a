"""Trying a subscriber's path upward: what goes out beside the media."""

import asyncio
import time

from meetings.relay.rtp import parse_rtp
from tests.meetings.relay.packets import rtp, vp8

from .client import camera, watching

RTX = 78, 101


def octets(client, seconds: float) -> tuple[int, list[int]]:
    """How much comes in so many seconds, of whichever SSRC."""
    total, ssrcs = 0, []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            client.socket.settimeout(max(0.01, end - time.monotonic()))
            data = client.socket.recv(2000)
        except TimeoutError:
            break
        if 128 <= data[0] <= 191 and not 192 <= data[1] <= 223:
            total += len(data)
            ssrcs.append(parse_rtp(client.receive.unprotect(data)).ssrc)
    return total, ssrcs


async def test_a_probe_repeats_what_was_sent_evenly(plane, clients) -> None:
    publisher, subscriber = clients
    plane.add_stream(camera(5))
    plane.subscribe(watching(rtx=RTX))
    plane.steer(3, 5)
    await asyncio.sleep(0.05)
    publisher.media(rtp(5, 1, 0, vp8(6, 2, key=True) + bytes(900)))
    await subscriber.rtp()
    plane.probe(2, 800_000, 0.5)
    first, _ = await asyncio.to_thread(octets, subscriber, 0.25)
    rest, ssrcs = await asyncio.to_thread(octets, subscriber, 1.0)
    assert set(ssrcs) == {RTX[0]}
    assert 35_000 < first + rest < 60_000
    assert first < 40_000


async def test_a_probe_goes_out_where_nothing_was_sent_yet(plane, clients) -> None:
    """A video that is paused from the start must come some day."""
    _, subscriber = clients
    plane.subscribe(watching(rtx=RTX))
    plane.probe(2, 400_000, 0.3)
    total, ssrcs = await asyncio.to_thread(octets, subscriber, 0.8)
    assert set(ssrcs) == {RTX[0]}
    assert 10_000 < total < 25_000


async def test_without_rtx_nothing_is_repeated(plane, clients) -> None:
    publisher, subscriber = clients
    plane.add_stream(camera(5))
    plane.subscribe(watching())
    plane.steer(3, 5)
    await asyncio.sleep(0.05)
    publisher.media(rtp(5, 1, 0, vp8(6, 2, key=True) + bytes(900)))
    await subscriber.rtp()
    plane.probe(2, 800_000, 0.2)
    assert await asyncio.to_thread(octets, subscriber, 0.4) == (0, [])
