"""All live rooms of a relay, from the first join or CreateRoom until nobody is left."""

import asyncio
import logging
from collections.abc import Iterable, Iterator

from livekit.protocol.models import DisconnectReason

from meetings.relay.errors import LimitExceeded
from meetings.relay.room.revocations import Revocations
from meetings.relay.room.room import Room, RoomParts

log = logging.getLogger("visio.relay")

SWEEP = 1.0


class Rooms:
    """Owner of the rooms and of their tasks."""

    def __init__(self, parts: RoomParts) -> None:
        self._parts = parts
        self._rooms: dict[str, Room] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._stopping = False
        self.revocations = Revocations(parts.context.limits.revocations)

    def __iter__(self) -> Iterator[Room]:
        return iter(tuple(self._rooms.values()))

    async def start(self) -> None:
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Sends everybody away with a message; they may come back to another relay, and not to this one."""
        self._stopping = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        await self.shut(list(self))

    async def shut(self, rooms: Iterable[Room], *, go_on: bool = False) -> None:
        """Sends everybody in them away, to connect anew. `go_on`: the rooms are another relay's now."""
        ends = [self.end(room, DisconnectReason.SERVER_SHUTDOWN, goes_on=go_on) for room in rooms]
        for problem in await asyncio.gather(*ends, return_exceptions=True):
            if problem is not None:
                log.error("a room did not end well", exc_info=problem)

    def get(self, name: str) -> Room | None:
        return self._rooms.get(name)

    def get_or_create(self, name: str) -> Room:
        """Raises LimitExceeded."""
        if self._stopping:
            raise LimitExceeded("the relay is stopping")
        room = self._rooms.get(name)
        if room is None:
            limits = self._parts.context.limits
            if len(self._rooms) >= limits.rooms or len(name) > limits.name:
                raise LimitExceeded(f"no room for room {name[:40]!r}")
            room = self._rooms[name] = Room(name, self._parts)
            self._tasks[name] = asyncio.create_task(room.heartbeat.run())
            log.info("room %s started", name)
        return room

    async def end(self, room: Room, reason: DisconnectReason, *, goes_on: bool = False) -> None:
        """Ends a room, once. `goes_on`: on another relay, so its end is not told."""
        if self._rooms.get(room.name) is not room:
            return
        del self._rooms[room.name]
        task = self._tasks.pop(room.name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await room.close(reason, goes_on=goes_on)
        log.info("room %s %s", room.name, "is left to another relay" if goes_on else "finished")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            for room in self:
                if not room.expired:
                    continue
                try:
                    await self.end(room, DisconnectReason.ROOM_CLOSED)
                except Exception:
                    log.exception("room %s did not end well", room.name)
