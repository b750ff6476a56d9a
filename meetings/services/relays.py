"""A relay's own word: that it is there, how it fares, which rooms it has let go."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from meetings.errors import BadInput
from meetings.models import Placement, Relay, RelayState
from meetings.placements import misses_beats
from meetings.services import workers

log = logging.getLogger("visio.relays")


@dataclass(frozen=True)
class Fare:
    """How a relay fares: cores in use, rooms and people in them."""

    load: float
    rooms: int
    participants: int


@dataclass(frozen=True)
class Told:
    """What a relay hears at a heartbeat: the rooms that it holds, and whether it shall end with them."""

    rooms: frozenset[str]
    draining: bool


@transaction.atomic
def relay_register(*, address: str, udp_port: int) -> UUID:
    """A relay has begun to listen there, so whoever was there before it is gone. Returns its key."""
    Relay.objects.filter(address=address).delete()
    made = Relay.objects.create(address=address, udp_port=udp_port, process=workers.own_name())
    return made.id


def relay_beats(*, relay: UUID, fare: Fare) -> Told | None:
    """The relay lives. None where it was given up meanwhile: its rooms are open to others."""
    alive = Relay.objects.filter(id=relay).update(
        seen_at=Now(), load=fare.load, rooms=fare.rooms, participants=fare.participants
    )
    if not alive:
        return None
    held = frozenset(Placement.objects.filter(relay=relay).values_list("room", flat=True))
    return Told(held, Relay.objects.filter(id=relay, state=RelayState.DRAINING).exists())


def relay_holds(*, relay: UUID, room: str) -> bool:
    """Whether the room is there and nowhere else."""
    return Placement.objects.filter(room=room, relay=relay).exists()


def rooms_released(*, relay: UUID, rooms: Collection[str]) -> None:
    """The relay has these rooms no more: they may be placed elsewhere."""
    Placement.objects.filter(relay=relay, room__in=rooms).delete()


def relay_left(*, relay: UUID) -> None:
    """The relay ends; its rooms may be placed elsewhere at once."""
    Relay.objects.filter(id=relay).delete()


def relay_drain(*, name: str) -> Relay:
    """From now on the relay takes no new room, and it ends with its last one. Raises BadInput."""
    with transaction.atomic():
        # Locked as by who places a room there: each room is placed before this, or elsewhere.
        relay = next(
            (row for row in Relay.objects.select_for_update() if name in (row.name, str(row.id))), None
        )
        if relay is None:
            raise BadInput(_("There is no relay “%(name)s”.") % {"name": name})
        relay.state = RelayState.DRAINING
        relay.save(update_fields=["state"])
    log.info("relay %s is told to drain", relay.name)
    return relay


def relays_listed() -> list[dict[str, Any]]:
    """What operators see of each: `load` in cores, `heard` in seconds since its last heartbeat, and `state`
    “silent” where that is overdue."""
    rows = Relay.objects.annotate(now=Now(), held=Count("placements")).order_by("address")
    return [
        {
            "id": str(row.id),
            "name": row.name,
            "udp_port": row.udp_port,
            "state": "silent" if misses_beats(row, row.now) else str(row.state),
            "rooms": row.held,
            "participants": row.participants,
            "load": round(row.load, 3),
            "heard": round((row.now - row.seen_at).total_seconds(), 3),
            "since": row.started_at.isoformat(),
        }
        for row in rows
    ]
