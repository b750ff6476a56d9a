"""Transports come and go under load: `python -m …dataplane.removals TIMES` tells what is left of them."""

import asyncio
import contextlib
import gc
import json
import sys

from pylibsrtp import Session

from meetings.relay.interface import RtpHeader
from meetings.relay.plane import CongestionReport

from .client import Client, listening, microphone
from .conftest import make_plane
from .test_forwarding import opus


class Deaf:
    """`plane.TransportEvents` of nobody's interest."""

    def dtls_received(self, data: bytes) -> None: ...
    def rtcp_received(self, packet: bytes, now: float) -> None: ...
    def rtp_unknown(self, header: RtpHeader, packet: bytes, now: float) -> None: ...
    def congestion(self, report: CongestionReport) -> None: ...


async def remove(times: int) -> None:
    plane = make_plane("native")
    await plane.start()
    publisher, lasting = Client(plane, 1), Client(plane, 2)
    plane.add_stream(microphone())
    plane.subscribe(listening())
    plane.steer(3, 5)
    received = 0

    async def publish() -> None:
        nonlocal received
        sequence = 0
        while True:
            for _ in range(5):
                publisher.media(opus(sequence & 0xFFFF))
                sequence += 1
            await asyncio.sleep(0.001)
            lasting.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while lasting.socket.recv(2000):
                    received += 1

    publishing = asyncio.create_task(publish())
    before = sessions()
    for turn in range(times):
        guest = Client(plane, 10 + turn)
        plane.subscribe(listening(10 + turn, transport=10 + turn, ssrc=1000))
        plane.steer(10 + turn, 5)
        if turn % 4 == 0:  # a publisher too, with a subscriber that is still attached
            plane.add_stream(microphone(6, transport=10 + turn, track=100 + turn))
        await asyncio.sleep(0.003)
        closing = asyncio.create_task(plane.close(10 + turn))
        if turn % 3 == 0:
            await asyncio.sleep(0)
            closing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await closing
        guest.socket.close()
        del guest
    before_last = received
    await asyncio.sleep(0.5)
    after, late, counters = sessions(), received - before_last, plane.counters()
    publishing.cancel()
    await plane.stop()
    say({"before": before, "after": after, "late": late, **counters})


def sessions() -> int:
    """SRTP sessions that anybody holds."""
    gc.collect()
    return sum(isinstance(each, Session) for each in gc.get_objects())


def say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(remove(int(sys.argv[1])))
