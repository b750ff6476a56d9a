"""What Prometheus reads of a relay, and who may."""

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from .stage import Stage, bearer, token


def values(text: str) -> dict[str, float]:
    """By name and labels, as Prometheus writes them."""
    return {
        sample.name
        + "".join(f"{{{name}={value}}}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_rooms_and_people_are_counted_and_never_named(stage: Stage) -> None:
    await stage.enter("ann-of-the-tests", video={"roomJoin": True, "room": "the-secret-room"})
    async with aiohttp.ClientSession(stage.front.url) as http, http.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        text = await answer.text()
    found = values(text)
    assert found["visio_relay_alive{kind=rooms}"] == 1
    assert found["visio_relay_alive{kind=participants}"] == 1
    assert found["visio_relay_alive{kind=transports}"] == 1
    assert found[f"visio_relay_info{{plane={stage.relay.overview.plane}}}"] == 1
    assert found["visio_relay_forwarded_packets_total"] == 0
    assert found["visio_relay_plane_cpu_seconds_total"] > 0
    assert found["process_cpu_seconds_total"] > 0
    assert "ann-of-the-tests" not in text
    assert "the-secret-room" not in text


async def test_every_counter_is_exported_once(stage: Stage) -> None:
    """One that a plane gains later counts as a reason for dropping."""
    stage.relay._context.counters["of_days_to_come"] = 3
    counters = stage.relay.counters()
    async with aiohttp.ClientSession(stage.front.url) as http, http.get("/metrics") as answer:
        found = values(await answer.text())
    assert found["visio_relay_dropped_total{reason=of_days_to_come}"] == 3
    labelled = sum(
        name.startswith(("visio_relay_dropped_total", "visio_relay_operations_total")) for name in found
    )
    rings = sum(name.startswith("visio_relay_ring_overflows_total") for name in found)
    alone = {"forwarded", "forwarded_octets", "segmentation_refused", "cpu_us"} & counters.keys()
    assert labelled + rings + len(alone) == len(counters)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Origin": "https://elsewhere.example"},
        {"X-Real-IP": "203.0.113.9", "Authorization": "Bearer nonsense"},
        # What everybody in a call has.
        {"X-Real-IP": "203.0.113.9", "Authorization": f"Bearer {token()}"},
        {"X-Real-IP": "203.0.113.9", "Authorization": bearer(room_admin=True, room="r")},
    ],
)
async def test_from_afar_there_is_no_such_page(stage: Stage, headers: dict[str, str]) -> None:
    async with aiohttp.ClientSession(stage.front.url, headers=headers) as http:
        async with http.get("/metrics") as answer:
            assert answer.status == 404
            refusal = await answer.text()
        async with http.get("/nowhere") as answer:
            assert (answer.status, await answer.text()) == (404, refusal)


async def test_a_token_that_lists_rooms_opens_it(stage: Stage) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "Authorization": bearer(room_list=True)}
    async with (
        aiohttp.ClientSession(stage.front.url, headers=headers) as http,
        http.get("/metrics") as answer,
    ):
        assert answer.status == 200
