"""Where a room's relay is, and how the portal reaches it."""

import asyncio
import logging
from contextlib import suppress
from typing import Any, Final

import aiohttp
from django.conf import settings
from yarl import URL

from meetings.consumers.http import header, token

log = logging.getLogger("visio.forwarding")

Scope = Any

# How long a joining client is kept waiting for a relay that is being started anew (seconds). Less than the
# five that LiveKit's Rust SDK waits for a socket; whoever waits here is in at once when the relay is there.
PATIENCE: Final = 4.0
_PROBE_EVERY: Final = 0.1
_CONNECT: Final = 3.0
# livekit-client waits three seconds for this answer.
_VALIDATION: Final = 2.5
_LONGEST_ANSWER: Final = 1024
_LARGEST_MESSAGE: Final = 16 * 1024 * 1024
# A relay that hangs is given up after one and a half of these (seconds).
_HEARTBEAT: Final = 10.0


class RelayRefused(Exception):
    """The relay answered, with another status than a socket."""


class RelayAway(Exception):
    """No relay answers; a client should try again."""


def relay_address(token: str) -> str:
    """The relay of the room that the token, not verified here, names. Today there is one for all rooms."""
    return str(settings.MEDIA_SERVER_URL).rstrip("/")


class Forwarding:
    """The connections of this process to relays, and what it knows of relays that are away."""

    def __init__(self, *, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._session: aiohttp.ClientSession | None = None
        self._probes: dict[str, asyncio.Task[None]] = {}

    async def socket(self, scope: Scope) -> aiohttp.ClientWebSocketResponse:
        """A socket to the room's relay. Raises RelayRefused, or RelayAway after `patience` seconds."""
        loop = asyncio.get_running_loop()
        address, until = relay_address(token(scope)), loop.time() + self.patience
        while True:
            try:
                return await self._open(address, scope)
            except aiohttp.WSServerHandshakeError as error:
                if error.status != 503:
                    raise RelayRefused(f"status {error.status}") from None
                problem: Exception = error
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                problem = error
            if loop.time() >= until:
                raise RelayAway(f"{address}: {type(problem).__name__}") from problem
            # Everybody waits for one probe: two hundred clients must not knock ten times a second each.
            await asyncio.wait({self._probe(address)}, timeout=until - loop.time())

    async def _open(self, address: str, scope: Scope) -> aiohttp.ClientWebSocketResponse:
        url, headers = _passed_on(address, "/rtc/v1", scope)
        async with asyncio.timeout(_CONNECT):
            return await self._http().ws_connect(
                url, headers=headers, max_msg_size=_LARGEST_MESSAGE, heartbeat=_HEARTBEAT, compress=0
            )

    async def validation(self, scope: Scope) -> tuple[int, bytes]:
        """Status and text of the relay's answer. Raises RelayAway."""
        address = relay_address(token(scope))
        url, headers = _passed_on(address, "/rtc/v1/validate", scope)
        try:
            async with asyncio.timeout(_VALIDATION), self._http().get(url, headers=headers) as answer:
                text = await answer.content.read(_LONGEST_ANSWER)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise RelayAway(f"{address}: {type(error).__name__}") from error
        # 404 would tell clients to fall back to an older protocol.
        return (answer.status if answer.status != 404 else 502), text

    async def close(self) -> None:
        """Ends everything under way."""
        for probe in self._probes.values():
            probe.cancel()
        await asyncio.gather(*self._probes.values(), return_exceptions=True)
        self._probes.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No limit: each client's socket is one connection. The relay's own certificate, no cookies.
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    def _probe(self, address: str) -> asyncio.Task[None]:
        """The task that ends once a relay answers there."""
        probe = self._probes.get(address)
        if probe is None or probe.done():
            probe = self._probes[address] = asyncio.create_task(self._until_there(address))
        return probe

    async def _until_there(self, address: str) -> None:
        deadline = asyncio.get_running_loop().time() + self.patience
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_PROBE_EVERY)
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with asyncio.timeout(1.0), self._http().get(f"{address}/") as answer:
                    if answer.status == 200:
                        return


def _passed_on(address: str, path: str, scope: Scope) -> tuple[URL, dict[str, str]]:
    query = scope["query_string"].decode("ascii", "replace")
    bearer = header(scope, b"authorization")
    headers = {"Authorization": bearer} if bearer.isprintable() and bearer else {}
    return URL(f"{address}{path}?{query}", encoded=True), headers


forwarding = Forwarding()
