"""A relay that is one of several: it registers itself, and serves the rooms that were placed on it, no other.

That a room is on one relay only is decided by the database (`services.placing`). Here it is made true:
whoever wants to join is let in only where the room is placed here; and at each heartbeat, rooms that are
placed here no more are left to the others, with everybody in them told to connect anew.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from meetings.placements import BEAT
from meetings.relay.errors import Refused
from meetings.relay.interface import JoinClaims, Portal
from meetings.relay.server import Relay
from meetings.services import relays

log = logging.getLogger("visio.relays")

# A room without anybody is kept for so long (seconds): people are on their way to it. More than a second,
# so that the portal can tell the end of a room from its new beginning elsewhere by their times.
_KEPT: Final = 3.0
# How much of what is told as load is older than the last heartbeat: about five seconds of it count.
_MEMORY: Final = 0.9


class Registration:
    """One relay's standing among the others; what the relay asks of the portal passes through it.

    Lives on the relay's event loop. `address`: where the portal reaches the relay, if not where it listens.
    """

    def __init__(
        self, portal: Portal, *, address: str | None = None, beat: float = BEAT, kept: float = _KEPT
    ) -> None:
        self._portal = portal
        self._known_as, self._beat_every, self._kept = address, beat, kept
        self._id: UUID | None = None
        self._draining = False
        self._task: asyncio.Task[None] | None = None
        self._coming: Counter[str] = Counter()
        self._unneeded_since: dict[str, float] = {}
        self._load, self._cpu = 0.0, (time.monotonic(), time.process_time())

    @asynccontextmanager
    async def registered(
        self, relay: Relay, address: str, drained: Callable[[], None]
    ) -> AsyncIterator[None]:
        """Within the block the relay takes part; `drained` is called once it is to end.

        Raises OperationalError where the database cannot be reached at the beginning.
        """
        self._relay, self._address = relay, self._known_as or address
        self._drained = drained
        await self._register()
        self._task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self._leave()

    async def admit(self, claims: JoinClaims) -> None:
        """Refuses with 503 whoever came to the wrong relay: the portal looks again where to send them."""
        with self._on_the_way(claims.room):
            await self._require_placed(claims.room)
            await self._portal.admit(claims)

    async def recording_key(self, room: str, egress_id: str) -> bytes:
        return await self._portal.recording_key(room, egress_id)

    @contextmanager
    def _on_the_way(self, room: str) -> Iterator[None]:
        """Meanwhile the room is not released, nor in the moment between admission and the room's beginning:
        nothing is awaited there."""
        self._coming[room] += 1
        try:
            yield
        finally:
            self._coming[room] -= 1
            if not self._coming[room]:
                del self._coming[room]

    async def _require_placed(self, room: str) -> None:
        if self._draining and room not in self._relay.rooms:
            raise _elsewhere(f"this relay is draining, and room {room} is not here")
        try:
            placed = self._id and await database_sync_to_async(relays.relay_holds)(relay=self._id, room=room)
        except (OperationalError, InterfaceError) as error:
            raise _elsewhere(f"no database: {error}") from None
        if not placed:
            raise _elsewhere(f"room {room} is not placed on this relay")

    async def _register(self) -> None:
        register = database_sync_to_async(relays.relay_register)
        self._id = await register(address=self._address, udp_port=self._relay.udp_port)
        self._draining = False

    async def _leave(self) -> None:
        """Others may have the rooms first, so that whoever is sent away finds them there."""
        if self._id is not None:
            with suppress(OperationalError, InterfaceError):  # they will find out
                await database_sync_to_async(relays.relay_left)(relay=self._id)
        self._id = None
        await self._relay.leave_to_others(self._relay.rooms)

    async def _beat(self) -> None:
        away = False
        while True:
            try:
                await self._beat_once()
                away = False
            except (OperationalError, InterfaceError) as error:  # calls go on; nobody gives up who answers
                if not away:
                    log.warning("the database does not hear this relay: %s", error)
                away = True
            except Exception:
                log.exception("a heartbeat failed")
            await asyncio.sleep(self._beat_every)

    async def _beat_once(self) -> None:
        if self._id is None:
            await self._register()
        assert self._id is not None
        here = self._relay.rooms  # as of now: what is placed later is not judged by what is read now
        fare = relays.Fare(self._measured(), len(here), sum(here.values()))
        told = await database_sync_to_async(relays.relay_beats)(relay=self._id, fare=fare)
        if told is None:
            log.warning("this relay was given up; it leaves %d rooms and registers anew", len(here))
            self._id = None
            await self._relay.leave_to_others(self._relay.rooms)
            await self._register()
            return
        if lost := here.keys() - told.rooms:
            log.warning("%d rooms are placed on another relay", len(lost))
            await self._relay.leave_to_others(lost)
        self._draining = told.draining
        if unneeded := self._unneeded(told.rooms):
            # Whoever begins to come from here on asks the database after this: all calls wait in one line.
            await database_sync_to_async(relays.rooms_released)(relay=self._id, rooms=unneeded)
        if told.draining and not told.rooms and not self._relay.rooms:
            log.info("this relay is drained")
            self._drained()

    def _unneeded(self, placed: frozenset[str]) -> set[str]:
        """Rooms that nobody has been in, or on the way to, for a while."""
        now, idle = time.monotonic(), placed - self._relay.rooms.keys() - self._coming.keys()
        self._unneeded_since = {room: self._unneeded_since.get(room, now) for room in idle}
        return {room for room, since in self._unneeded_since.items() if now - since >= self._kept}

    def _measured(self) -> float:
        """Cores in use by this process, smoothed."""
        (before, used), now = self._cpu, (time.monotonic(), time.process_time())
        if now[0] > before:
            lately = (now[1] - used) / (now[0] - before)
            self._load, self._cpu = _MEMORY * self._load + (1 - _MEMORY) * lately, now
        return self._load


def _elsewhere(reason: str) -> Refused:
    return Refused(status=503, public="try again", reason=reason)
