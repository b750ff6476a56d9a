"""Somebody over TCP and somebody over UDP in one call: a real relay, real DTLS and SRTP at both ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from meetings.relay.interface import RelayLimits
from meetings.relay.server import Relay, RelayConfig
from tests.peers.over_tcp import TcpTransport
from tests.peers.person import LightPerson
from visio_portal.throwaway import free_port

from .adapter import KEY, SECRET, Front, OpenPortal, started
from .stage import token
from .test_sdk_call import until


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    front = Front()
    await front.listen("127.0.0.1")
    limits = RelayLimits(departure_timeout=0, linger=0.1)
    config = RelayConfig(
        KEY,
        SECRET,
        ("127.0.0.1",),
        tmp_path,
        bind="127.0.0.1",
        udp_port=free_port(),
        tcp=True,
        limits=limits,
    )
    relay = await started(front, config, OpenPortal())
    yield front
    await relay.stop()
    await front.close()


async def _hears(listener: LightPerson) -> None:
    before = listener.transport.decrypted
    await until(lambda: listener.transport.decrypted > before, 20)
    assert listener.transport.unreadable == 0


async def test_media_and_data_pass_between_tcp_and_udp(front: Front) -> None:
    relay = front.relay
    assert isinstance(relay, Relay)
    empty = relay.census()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        ann = LightPerson(http, front.url, token("ann"))
        ann.transport = tcp = TcpTransport()
        ben = LightPerson(http, front.url, token("ben"))
        for person in (ann, ben):
            await person.join()
            stack.push_async_callback(person.leave)
        assert relay.census()["tcp_connections"] == 1
        for person in (ann, ben):
            await _hears(person)
            await until(lambda person=person: person.transport.messages)
        # The connection breaks, and she comes back by another, as after a change of network.
        tcp.cut()
        await until(lambda: relay.census()["tcp_connections"] == 0)
        await ann.come_back()
        for person in (ann, ben):
            await _hears(person)
    async with asyncio.timeout(20):
        while relay.census() != empty:
            await asyncio.sleep(0.1)
    dropped = {name for name, count in relay.counters().items() if name.startswith("tcp_") and count}
    assert not dropped, relay.counters()
