"""What one relay has done, and what it holds now."""

import time
from collections.abc import Mapping
from typing import Any, Final

from meetings.relay.ice_lite import IceLite
from meetings.relay.ice_tcp import TcpEdge
from meetings.relay.participant import Context
from meetings.relay.recorder import WriterThread
from meetings.relay.room import Rooms
from meetings.relay.webhooks import Webhooks

_ROUTED: Final = {"tracks": "routed_tracks", "subscriptions": "routed_subscriptions"}


class Overview:
    """Reads all parts of a relay; to be asked on its event loop."""

    def __init__(
        self,
        context: Context,
        rooms: Rooms,
        *,
        ice: IceLite,
        tcp: TcpEdge,
        webhooks: Webhooks,
        writer: WriterThread,
    ) -> None:
        self._context, self._plane, self._rooms = context, context.plane, rooms
        self._ice, self._tcp, self._webhooks, self._writer = ice, tcp, webhooks, writer

    @property
    def plane(self) -> str:
        """Who forwards: "native" or "portable"."""
        return self._plane.name

    def counters(self) -> dict[str, int]:
        """Packets and messages forwarded, refused and dropped since the start."""
        return {
            **self._plane.counters(),
            **self._tcp.counters,
            **self._context.counters,
            "stun_refused": self._ice.refused,
            "webhooks_dropped": self._webhooks.dropped,
            "recorder_dropped": self._writer.dropped,
        }

    def census(self) -> dict[str, int]:
        """How much of everything is alive now; all of it is back to nothing once everybody has gone."""
        people = [person for room in self._rooms for person in room.people.values()]
        return {
            "rooms": sum(1 for _ in self._rooms),
            "participants": len(people),
            "tracks": sum(1 for person in people for _ in person.publications),
            "subscriptions": sum(1 for person in people for _ in person.subscriptions),
            "ice_agents": self._ice.agents,
            "tcp_connections": self._tcp.connections,
            # What the plane routes is counted by its own names, beside what the room knows.
            **{_ROUTED.get(name, name): number for name, number in self._plane.sizes().items()},
        }

    def plane_cpu(self, counters: Mapping[str, int]) -> float:
        """Seconds of CPU of the thread that forwards: the portable plane's is the event loop's."""
        used = counters.get("cpu_us")
        return time.thread_time() if used is None else used / 1e6

    def told(self) -> dict[str, Any]:
        """All of it, for the API; `at` and CPU in seconds, so that two answers give rates."""
        counters = self.counters()
        return {
            "plane": self.plane,
            "at": time.monotonic(),
            "cpu": {"plane": self.plane_cpu(counters), "process": time.process_time()},
            "counters": counters,
            "alive": self.census(),
            "rooms": {room.name: len(room.people) for room in self._rooms},
        }
