"""How a room's people fare: a service of our own, beside LiveKit's."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

from google.protobuf.struct_pb2 import Struct
from livekit.protocol.room import ListParticipantsRequest, ListRoomsRequest, RoomParticipantIdentity

from meetings.relay.api.rooms import find_person, find_room
from meetings.relay.interface import Clock
from meetings.relay.participant import Participant
from meetings.relay.room import Room, Rooms

# Figures change once a second; a large room's cost a tenth of one, and many may ask.
_GOOD_FOR: Final = 1.0


class FiguresService:
    """`/twirp/visio.Figures/`: `GetRoom`, asked as `ListParticipants` is, `GetParticipant`, as LiveKit's, and
    `GetRelay`, as `ListRooms`; JSON in and out. `overview` tells of the relay as a whole. Raises TwirpError.
    """

    def __init__(self, rooms: Rooms, clock: Clock, overview: Callable[[], Mapping[str, Any]]) -> None:
        self._rooms, self._clock, self._overview = rooms, clock, overview
        self._told: WeakKeyDictionary[Room, tuple[float, Struct]] = WeakKeyDictionary()
        self._turn = asyncio.Lock()

    async def relay(self, _: ListRoomsRequest) -> Struct:
        return _struct(self._overview())

    async def person(self, request: RoomParticipantIdentity) -> Struct:
        """Its part of `room`, at once: what everybody may ask of themselves costs only their own share."""
        person = find_person(self._rooms, request.room, request.identity)
        return _struct(_person(person, self._clock.monotonic()))

    async def room(self, request: ListParticipantsRequest) -> Struct:
        """Up to a second old."""
        room = find_room(self._rooms, request.room)
        async with self._turn:
            at, told = self._told.get(room, (-_GOOD_FOR, Struct()))
            if self._clock.monotonic() - at >= _GOOD_FOR:
                told = await self._of(room)
                self._told[room] = self._clock.monotonic(), told
        return told

    async def _of(self, room: Room) -> Struct:
        """Others have their turn between two people."""
        people = []
        for person in tuple(room.people.values()):
            people.append(_person(person, self._clock.monotonic()))
            await asyncio.sleep(0)
        at = self._clock.wall_ns() // 1_000_000
        return _struct({"room": room.name, "at": at, "participants": people})


def _struct(content: Mapping[str, Any]) -> Struct:
    answer = Struct()
    answer.update(content)
    return answer


def _person(person: Participant, now: float) -> dict[str, Any]:
    figures = person.gauge.read(now)
    measured = figures.rates
    return {
        "identity": person.identity,
        "sid": person.sid,
        "hidden": person.hidden,
        "connection": _connection(person),
        "seconds": round(now - person.came_at),
        "bitrate_up": round(measured.bitrate_up),
        "bitrate_down": round(measured.bitrate_down),
        "loss_up": _rounded(measured.loss_up),
        "loss_down": _rounded(measured.loss_down),
        "round_trip_ms": figures.round_trip_ms,
        "round_trip_by": figures.round_trip_by,
        "jitter_up_ms": figures.jitter_up_ms,
        "jitter_down_ms": figures.jitter_down_ms,
        "estimate_down": None if figures.estimate_down is None else round(figures.estimate_down),
        "tracks": figures.tracks,
        "receives": {**figures.receives, "videos": dict(figures.receives["videos"])},
    }


def _connection(person: Participant) -> str:
    """ "socket gone": media go on for a while, and the client may resume."""
    if person.lost_at is not None:
        return "lost"
    if person.gone_at is not None:
        return "socket gone"
    return "connected" if person.peer.connected else "connecting"


def _rounded(fraction: float | None) -> float | None:
    return None if fraction is None else round(fraction, 4)
