"""Which relay a room is put on, and when a relay is given up so that its rooms may be put on another.

A relay is given up where that is certain (the lock of its process is free), or where two things hold: its
heart has not been heard, and it does not answer. One alone would do harm: a relay that cannot reach the
database for a minute goes on with its calls, and a clock that was set must move nobody.
"""

import http.client
import logging
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q
from django.db.models.functions import Now

from meetings.errors import MediaServerDown
from meetings.models import Placement, Relay, RelayState
from meetings.placements import Place, living, misses_beats
from meetings.services import workers

log = logging.getLogger("visio.relays")

# Loads that differ by less are alike (cores): by then it is the number of rooms that counts.
_ALIKE: Final = 0.05
# What a room that was placed a moment ago will cost, once its people have come (cores).
_EXPECTED: Final = 0.05
_A_MOMENT: Final = timedelta(seconds=20)
_PROBE_SECONDS: Final = 1.0


def room_place(*, room: str) -> Place:
    """Where the room is; a room that is nowhere is put on the least loaded relay. Raises MediaServerDown.

    However many portals ask at once, all hear of the same relay.
    """
    for _attempt in range(3):  # the relay chosen may be told to drain, or be given up, meanwhile
        if place := _held(room) or _placed(room):
            return place
    raise MediaServerDown("no relay takes new rooms")


def _held(room: str) -> Place | None:
    found = Placement.objects.select_related("relay").filter(room=room).first()
    return Place(found.relay.address, found.relay_id) if found else None


@transaction.atomic
def _placed(room: str) -> Place | None:
    wanted = least_loaded()
    if wanted is None:
        return None
    relay = Relay.objects.select_for_update().filter(id=wanted, state=RelayState.SERVING).first()
    if relay is None:
        return None
    # The first to write decides; the others read what it wrote.
    placement, made = Placement.objects.select_related("relay").get_or_create(
        room=room, defaults={"relay": relay}
    )
    if made:
        log.info("room %s is placed on relay %s", room, relay.name)
    return Place(placement.relay.address, placement.relay_id)


def least_loaded() -> UUID | None:
    """The relay that a new room goes to: by load, what was placed there just now included; then by rooms."""
    lately = Q(placements__placed_at__gt=Now() - _A_MOMENT)
    serving = Relay.objects.filter(id__in=[relay.id for relay in living()], state=RelayState.SERVING)
    counted = serving.annotate(held=Count("placements"), coming=Count("placements", filter=lately))
    ranked = sorted(
        counted, key=lambda row: (round((row.load + row.coming * _EXPECTED) / _ALIKE), row.held, row.address)
    )
    return ranked[0].id if ranked else None


def relay_is_gone(*, relay: UUID, answers: bool) -> bool:
    """Whether it is gone, now at the latest: its rooms may be placed anew. *answers*: it did a moment ago."""
    with transaction.atomic():
        # Locked: a heartbeat comes before this and saves it, or after this and is told.
        row = Relay.objects.select_for_update().filter(id=relay).first()
        if row is None:
            return True
        certain = bool(row.process) and workers.is_ended(row.process)
        now = Relay.objects.filter(id=relay).values_list(Now(), flat=True).get()
        if not certain and (answers or not misses_beats(row, now)):
            return False
        why = "its process has ended" if certain else "its heartbeat is missing and it does not answer"
        log.warning("relay %s is given up: %s", row.name, why)
        row.delete()
    return True


def look_after_relays() -> None:
    """Gives up those that are gone. Their rooms are placed anew when somebody comes back to them."""
    silent = set(Relay.objects.values_list("id", flat=True)) - {relay.id for relay in living()}
    for relay in Relay.objects.all():
        if relay.id in silent or (relay.process and workers.is_ended(relay.process)):
            relay_is_gone(relay=relay.id, answers=_answers(relay.address))


def _answers(address: str) -> bool:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_PROBE_SECONDS)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
