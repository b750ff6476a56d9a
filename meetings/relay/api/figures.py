"""How a room's people fare: a service of our own, beside LiveKit's."""

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct
from livekit.protocol.room import ListParticipantsRequest, ListRoomsRequest

from meetings.relay.api.rooms import find_room
from meetings.relay.interface import Clock
from meetings.relay.participant import Participant
from meetings.relay.room import Rooms


class FiguresService:
    """`/twirp/visio.Figures/GetRoom`, asked as `ListParticipants` is, and `GetRelay`, as `ListRooms`; JSON in
    and out. `overview` tells of the relay as a whole. Raises TwirpError."""

    def __init__(self, rooms: Rooms, clock: Clock, overview: Callable[[], Mapping[str, Any]]) -> None:
        self._rooms, self._clock, self._overview = rooms, clock, overview

    async def relay(self, _: ListRoomsRequest) -> Struct:
        answer = Struct()
        answer.update(self._overview())
        return answer

    async def room(self, request: ListParticipantsRequest) -> Struct:
        room = find_room(self._rooms, request.room)
        now = self._clock.monotonic()
        answer = Struct()
        answer.update(
            {
                "room": room.name,
                "at": self._clock.wall_ns() // 1_000_000,
                "participants": [_person(person, now) for person in room.people.values()],
            }
        )
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
