"""A relay in a process of its own, until it is told to stop."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from typing import Any

import uvloop

from meetings.management.census import census_on_signal
from meetings.management.open_files import allow_many_sockets
from meetings.relay.interface import Portal
from meetings.relay.server import Listener, NativePlaneMissing, Relay, RelayConfig, application

Accompany = Callable[[Relay, str, Callable[[], None]], AbstractAsyncContextManager[Any]]
"""What surrounds a relay while clients may come: told the relay, its address, and how to end it."""


class CannotListen(Exception):
    """An address cannot be had; the message is for the operator."""


def _alone(relay: Relay, address: str, end: Callable[[], None]) -> AbstractAsyncContextManager[Any]:
    return nullcontext()


def run_relay(
    config: RelayConfig,
    portal: Portal,
    *,
    host: str,
    port: int,
    say: Callable[[str], None],
    accompany: Accompany = _alone,
) -> None:
    """Serves on TCP `host`:`port` until SIGTERM or SIGINT, then sends everybody away and ends recordings.

    Raises CannotListen. `say` hears one line once clients may come.
    """
    allow_many_sockets()
    sys.setswitchinterval(0.001)  # the packet path waits at most a millisecond for another thread
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(config, portal, host, port, say, accompany))


async def _serve(
    config: RelayConfig,
    portal: Portal,
    host: str,
    port: int,
    say: Callable[[str], None],
    accompany: Accompany,
) -> None:
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    try:
        relay = Relay(replace(config, tcp=config.tcp and config.udp_port != port), portal)
    except NativePlaneMissing as missing:
        raise CannotListen(f"VISIO_RELAY_PLANE=native: {missing}.") from None
    census_on_signal(loop, lambda: relay)
    listener = Listener(application(relay))
    try:
        await relay.start()
    except OSError as error:
        raise CannotListen(
            f"The media port (UDP {config.udp_port}) cannot be used: {error.strerror}."
        ) from None
    try:
        try:
            bound = await listener.listen(host, port)
        except OSError as error:
            raise CannotListen(f"Cannot listen on {host}, port {port}: {_why(error)}.") from None
        address = f"http://{f'[{host}]' if ':' in host else host}:{bound}"
        async with accompany(relay, address, told.set):
            say(f"Relay is ready at {address}, media on UDP port {relay.udp_port}")
            await told.wait()
    finally:
        await relay.stop()
        await listener.close()


def _why(error: OSError) -> str:
    """The system's own words; the event loop's are longer."""
    return os.strerror(error.errno) if error.errno else str(error)
