"""Reads: what every relay tells of itself and of its rooms, for operators. Nothing of it is kept."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import aiohttp
from django.conf import settings
from livekit import api

from meetings import placements
from meetings.models import Relay

# Between two looks at the same relay: rates are those of this time (seconds).
SPAN: Final = 1.0
_PATIENCE: Final = aiohttp.ClientTimeout(total=5)
_AT_ONCE: Final = 20
_OVERFLOWS: Final = ("events_lost", "strangers_lost", "taps_lost")


def relays_measured(*, room: str | None = None, span: float = SPAN) -> list[dict[str, Any]]:
    """Every relay that is registered, silent ones too, with its rooms and their people; or only with `room`.

    `problem` says why one did not tell. Takes `span` seconds; not to be called inside a transaction.
    """
    only = placements.fixed()
    where = (
        [(only.address.partition("://")[2], only.address)]
        if only
        else [(relay.name, relay.address) for relay in Relay.objects.all()]
    )
    return asyncio.run(_measure(where, room, span))


def metrics_token(*, lifetime: timedelta) -> str:
    """Opens a relay's `/metrics` to a Prometheus on another machine, and its list of rooms."""
    return _token(api.VideoGrants(room_list=True), lifetime)


def rates(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, float | None]:
    """Per second, between two answers of one relay. CPU in cores; None where nothing was forwarded."""
    span = after["at"] - before["at"]

    def grown(kind: str, name: str) -> float:
        return max(0.0, float(after[kind].get(name, 0) - before[kind].get(name, 0)))

    packets, cpu = grown("counters", "forwarded"), grown("cpu", "plane")
    return {
        "packets": round(packets / span, 1),
        "bitrate": round(grown("counters", "forwarded_octets") * 8 / span),
        "cpu": round(grown("cpu", "process") / span, 4),
        "plane_cpu": round(cpu / span, 4),
        "cpu_us_per_packet": round(cpu * 1e6 / packets, 1) if packets else None,
    }


async def _measure(where: list[tuple[str, str]], room: str | None, span: float) -> list[dict[str, Any]]:
    connector = aiohttp.TCPConnector(limit=_AT_ONCE)
    async with aiohttp.ClientSession(timeout=_PATIENCE, connector=connector) as http:
        return await asyncio.gather(*(_relay(http, name, address, room, span) for name, address in where))


async def _relay(
    http: aiohttp.ClientSession, name: str, address: str, room: str | None, span: float
) -> dict[str, Any]:
    everything = api.VideoGrants(room_list=True)
    try:
        before = await _told(http, address, "GetRelay", everything)
        await asyncio.sleep(span)
        after = await _told(http, address, "GetRelay", everything)
        names = [each for each in sorted(after["rooms"]) if room in (None, each)]
        rooms = await asyncio.gather(*(_room(http, address, each) for each in names))
    except (aiohttp.ClientError, TimeoutError) as error:
        return {"name": name, "problem": str(error) or type(error).__name__, "rooms": []}
    return {
        "name": name,
        "problem": None,
        "plane": after["plane"],
        "rates": rates(before, after),
        "ring_overflows": sum(after["counters"].get(ring, 0) for ring in _OVERFLOWS),
        "counters": after["counters"],
        "alive": after["alive"],
        "rooms": [told for told in rooms if told is not None],
    }


async def _room(http: aiohttp.ClientSession, address: str, room: str) -> dict[str, Any] | None:
    """None where it has ended meanwhile."""
    try:
        told = await _told(http, address, "GetRoom", api.VideoGrants(room_admin=True, room=room), room=room)
    except aiohttp.ClientResponseError as error:
        if error.status == 404:
            return None
        raise
    return {"room": room, "participants": told["participants"]}


async def _told(
    http: aiohttp.ClientSession, address: str, method: str, grants: api.VideoGrants, **request: str
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {_token(grants, timedelta(minutes=1))}"}
    url = f"{address}/twirp/visio.Figures/{method}"
    async with http.post(url, json=request, headers=headers, raise_for_status=True) as answer:
        told: dict[str, Any] = await answer.json()
    return told


def _token(grants: api.VideoGrants, lifetime: timedelta) -> str:
    token = api.AccessToken(settings.MEDIA_SERVER_KEY, settings.MEDIA_SERVER_SECRET)
    return token.with_grants(grants).with_ttl(lifetime).to_jwt()
