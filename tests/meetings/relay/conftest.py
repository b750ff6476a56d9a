"""Fixtures of the relay's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from livekit import api

from meetings.relay.interface import RelayLimits
from meetings.relay.server import RelayConfig

from .adapter import KEY, SECRET, Front, OpenPortal, started
from .stage import Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    front, portal = Front(), OpenPortal()
    url = await front.listen("127.0.0.1")
    limits = RelayLimits(participants=3, tracks=2, departure_timeout=0, resume=0.2, linger=0.0)
    config = RelayConfig(
        KEY,
        SECRET,
        ("127.0.0.1",),
        tmp_path,
        bind="127.0.0.1",
        webhook_urls=(f"{url}/webhook",),
        limits=limits,
    )
    relay = await started(front, config, portal)
    yield Stage(relay, portal, front)
    await relay.stop()
    await front.close()


@pytest.fixture
async def livekit(stage: Stage) -> AsyncIterator[api.LiveKitAPI]:
    async with api.LiveKitAPI(stage.front.url, KEY, SECRET) as client:
        yield client
