"""Sockets to a real portal whose owners do not read, or do not write."""

import asyncio
import base64
import os
import socket
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import aiohttp
import pytest
from livekit import api
from livekit.protocol.rtc import SignalRequest, UpdateParticipantMetadata

from tests.e2e.portal import Portal
from tests.peers.invite import Guest, Guests, invite
from tests.peers.person import LightPerson, join_request

pytestmark = pytest.mark.media

WRITERS, CHANGES, SIZE = 6, 50, 60_000


def _token(guests: Guests, guest: Guest) -> str:
    grants = api.VideoGrants(room_join=True, room=guest.room, can_update_own_metadata=True)
    made = api.AccessToken(guests.key, guests.secret).with_identity(guest.identity).with_name(guest.name)
    return made.with_grants(grants).with_attributes({"role": guest.role}).to_jwt()


def _resident_kib(portal: Portal) -> int:
    lines = Path(f"/proc/{portal.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def _opened(url: str, token: str) -> socket.socket:
    """A WebSocket whose owner reads nothing but the beginning of the answer."""
    where = urlsplit(url)
    query = urlencode({"access_token": token, "join_request": join_request()})
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    made.connect((where.hostname, where.port))
    made.settimeout(20)
    key = base64.b64encode(os.urandom(16)).decode()
    made.sendall(
        f"GET /rtc/v1?{query} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert made.recv(12) == b"HTTP/1.1 101"
    return made


async def test_who_does_not_read_is_cut_off_and_costs_little(portal: Portal) -> None:
    """Regression: Daphne kept everything that a client did not read, without a bound."""
    guests = await asyncio.to_thread(invite, portal.environment, 1, WRITERS + 1)
    url = portal.url.replace("localhost", "127.0.0.1")
    slow = await asyncio.to_thread(_opened, url, _token(guests, guests.meetings[0][0]))
    async with aiohttp.ClientSession() as http:
        writers = [LightPerson(http, url, _token(guests, guest)) for guest in guests.meetings[0][1:]]
        for writer in writers:
            await writer.join()
        before = _resident_kib(portal)
        for number in range(CHANGES):
            change = UpdateParticipantMetadata(metadata=f"{number}" + "x" * SIZE)
            for writer in writers:
                await writer.say(SignalRequest(update_metadata=change))
        await asyncio.to_thread(portal.wait_for_log, "reads too slowly", 20)
        for writer in writers:
            assert not writer.heard["leave"]
            await writer.say(SignalRequest(ping=1))
        async with asyncio.timeout(20):
            while not all(writer.heard["pong"] for writer in writers):
                await asyncio.sleep(0.05)
        assert _resident_kib(portal) - before < 64 * 1024
        for writer in writers:
            await writer.leave()
    with slow, pytest.raises(ConnectionResetError):
        await asyncio.to_thread(_read_all, slow)


def _read_all(opened: socket.socket) -> None:
    while opened.recv(1 << 20):
        pass
