"""Every test of this folder that asks for `plane` runs on each data plane there is."""

import os
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from meetings.relay.dataplane.choice import NativePlaneMissing, PlaneParts, choose_plane
from meetings.relay.interface import Address, RelayLimits, SystemClock
from meetings.relay.plane import DataPlane

from .client import Client


class Clock(SystemClock):
    """The machine's, a little ahead."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def make_plane(
    name: str,
    clock: SystemClock | None = None,
    *,
    bind: str = "127.0.0.1",
    stun: Callable[[bytes, Address, str], bytes | None] = lambda data, address, local: b"\0stun" + data,
    limits: RelayLimits | None = None,
) -> DataPlane:
    """A plane that is not started; skips where the native one was not built, unless it is required."""
    parts = PlaneParts(bind, 0, stun, clock or SystemClock(), limits or RelayLimits())
    try:
        return choose_plane(name, parts, gso=True)
    except NativePlaneMissing as missing:
        if os.environ.get("VISIO_REQUIRE_NATIVE"):
            raise
        pytest.skip(str(missing))


@pytest.fixture(params=["portable", "native"])
def plane_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def plane(plane_name: str, clock: Clock) -> AsyncIterator[DataPlane]:
    plane = make_plane(plane_name, clock)
    await plane.start()
    yield plane
    await plane.stop()


@pytest.fixture
def clients(plane: DataPlane) -> Iterator[tuple[Client, Client]]:
    pair = Client(plane, 1), Client(plane, 2)
    yield pair
    for client in pair:
        client.socket.close()
