"""The connections of the portal to relays, for clients who know the portal's address alone."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from yarl import URL

from meetings.consumers import whereabouts
from meetings.consumers.http import header, token
from meetings.consumers.whereabouts import RelayAway, RelayRefused
from meetings.placements import Place

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
_CLOSING: Final = 2.0
# How long somebody may stay on a relay that is alive and lost their room to another (seconds).
_WATCH_EVERY: Final = 1.0


@dataclass(frozen=True)
class Upstream:
    """A client's socket at the relay that has its room."""

    socket: aiohttp.ClientWebSocketResponse
    room: str
    place: Place


class Forwarding:
    """The connections of this process to relays, and what it knows of relays that are away."""

    def __init__(self, *, patience: float = PATIENCE, watch_every: float = _WATCH_EVERY) -> None:
        self.patience, self._watch_every = patience, watch_every
        self._session: aiohttp.ClientSession | None = None
        self._probes: dict[Place | None, asyncio.Task[None]] = {}
        self._watched: dict[Upstream, Callable[[], None]] = {}
        self._watch: asyncio.Task[None] | None = None

    async def socket(self, scope: Scope) -> Upstream:
        """A socket to the room's relay. Raises RelayRefused, or RelayAway after `patience` seconds."""
        loop = asyncio.get_running_loop()
        room, until = whereabouts.room_named(token(scope)), loop.time() + self.patience
        while True:
            place: Place | None = None
            try:
                place = await whereabouts.place_of(room)
                return Upstream(await self._open(place.address, scope), room, place)
            except aiohttp.WSServerHandshakeError as error:
                if error.status != 503:
                    raise RelayRefused(f"status {error.status}") from None
                problem: Exception = error
            except (RelayAway, aiohttp.ClientError, OSError, TimeoutError) as error:
                problem = error
            if loop.time() >= until:
                where = place.address if place else "nowhere"
                raise RelayAway(f"{where}: {type(problem).__name__}") from problem
            # Everybody waits for one probe: two hundred clients must not knock ten times a second each.
            await asyncio.wait({self._probe(place)}, timeout=until - loop.time())

    @contextmanager
    def watching(self, upstream: Upstream, moved: Callable[[], None]) -> Iterator[None]:
        """Calls `moved` once the room is not on that relay any more: nobody stays behind on one that was
        given up, even where it still forwards."""
        if upstream.place.relay is None:
            yield
            return
        self._watched[upstream] = moved
        if self._watch is None:
            self._watch = asyncio.create_task(self._look_where_rooms_are())
        try:
            yield
        finally:
            self._watched.pop(upstream, None)

    async def _open(self, address: str, scope: Scope) -> aiohttp.ClientWebSocketResponse:
        url, headers = _passed_on(address, "/rtc/v1", scope)
        async with asyncio.timeout(_CONNECT):
            return await self._http().ws_connect(
                url,
                headers=headers,
                max_msg_size=_LARGEST_MESSAGE,
                heartbeat=_HEARTBEAT,
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSING),
                compress=0,
            )

    async def validation(self, scope: Scope) -> tuple[int, bytes]:
        """Status and text of the relay's answer. Raises RelayAway."""
        address = (await whereabouts.any_place()).address
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
        tasks = [*self._probes.values(), *([self._watch] if self._watch else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._probes.clear()
        self._watch = None
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No limit: each client's socket is one connection. The relay's own certificate, no cookies.
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    def _probe(self, place: Place | None) -> asyncio.Task[None]:
        """The task that ends once it makes sense to try again."""
        probe = self._probes.get(place)
        if probe is None or probe.done():
            self._probes = {at: task for at, task in self._probes.items() if not task.done()}
            probe = self._probes[place] = asyncio.create_task(self._until_changed(place))
        return probe

    async def _until_changed(self, place: Place | None) -> None:
        """Until the relay answers, or is given up and its rooms are placed anew; or until there is one."""
        deadline = asyncio.get_running_loop().time() + self.patience
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_PROBE_EVERY)
            if place is None:
                if await self._is_any():
                    return
                continue
            answers = await self._answers(place.address)
            if answers or await whereabouts.is_gone(place, answers=answers):
                return

    async def _is_any(self) -> bool:
        try:
            await whereabouts.any_place()
        except RelayAway:
            return False
        return True

    async def _answers(self, address: str) -> bool:
        try:
            async with asyncio.timeout(1.0), self._http().get(f"{address}/") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    async def _look_where_rooms_are(self) -> None:
        while True:
            await asyncio.sleep(self._watch_every)
            try:
                await self._look(dict(self._watched))
            except Exception:
                log.exception("looking after forwarded sockets failed")

    async def _look(self, watched: dict[Upstream, Callable[[], None]]) -> None:
        """Hung relays are given up, and sockets closed whose room is elsewhere by now."""
        if not watched:
            return
        for place in await whereabouts.silent({upstream.place for upstream in watched}):
            await whereabouts.is_gone(place, answers=await self._answers(place.address))
        now = await whereabouts.places_now({upstream.room for upstream in watched})
        if now is None:
            return
        for upstream, moved in watched.items():
            if now.get(upstream.room) != upstream.place and upstream in self._watched:
                del self._watched[upstream]
                log.warning("room %s is not on %s any more", upstream.room, upstream.place.address)
                moved()


def _passed_on(address: str, path: str, scope: Scope) -> tuple[URL, dict[str, str]]:
    query = scope["query_string"].decode("ascii", "replace")
    bearer = header(scope, b"authorization")
    headers = {"Authorization": bearer} if bearer.isprintable() and bearer else {}
    return URL(f"{address}{path}?{query}", encoded=True), headers


forwarding = Forwarding()
