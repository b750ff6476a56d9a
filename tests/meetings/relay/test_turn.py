"""Passwords for TURN servers, in the join answer and whenever a client comes back."""

import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from livekit.protocol.rtc import ICEServer

from meetings.relay.interface import RelayLimits
from meetings.relay.server import RelayConfig, TurnServers

from .adapter import KEY, SECRET, Front, OpenPortal, started
from .stage import Stage, token

URLS = ("turn:turn.example:3478?transport=tcp", "turns:turn.example:443?transport=tcp")
TURN_SECRET = "north-and-south"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    front, portal = Front(), OpenPortal()
    servers = TurnServers(URLS, TURN_SECRET, lifetime=600)
    limits = RelayLimits(departure_timeout=0, resume=0.2, linger=0.0)
    config = RelayConfig(KEY, SECRET, ("127.0.0.1",), tmp_path, bind="127.0.0.1", turn=servers, limits=limits)
    relay = await started(front, config, portal)
    yield Stage(relay, portal, front)
    await relay.stop()


def _check(server: ICEServer, name: str) -> None:
    """As coturn does it: the time and the password, from the user name and the secret alone."""
    expires, _, who = server.username.partition(":")
    assert 590 < int(expires) - time.time() < 610
    assert who == name
    digest = hmac.new(TURN_SECRET.encode(), server.username.encode(), hashlib.sha1).digest()
    assert base64.b64decode(server.credential) == digest
    assert tuple(server.urls) == URLS


async def test_who_joins_is_told_of_the_servers(stage: Stage) -> None:
    ann = await stage.enter("ann")
    (server,) = ann.last("join").ice_servers
    _check(server, "ann")


async def test_who_comes_back_gets_a_fresh_password(stage: Stage) -> None:
    ann = await stage.enter("ann")
    sid = ann.last("join").participant.sid
    back = await type(ann)(stage.relay).join(token("ann"), reconnect=True, participant_sid=sid)
    (server,) = back.last("reconnect").ice_servers
    _check(server, "ann")


async def test_an_identity_of_any_letters_fits_into_a_user_name(stage: Stage) -> None:
    ann = await stage.enter("Änne: “ou?”")
    (server,) = ann.last("join").ice_servers
    _check(server, "%C3%84nne%3A%20%E2%80%9Cou%3F%E2%80%9D")
    assert len(TurnServers(URLS, TURN_SECRET).for_person("é" * 256, 0).username) < 509


async def test_the_secret_is_in_no_description_of_the_configuration(stage: Stage) -> None:
    assert TURN_SECRET not in repr(stage.relay.config.turn)
