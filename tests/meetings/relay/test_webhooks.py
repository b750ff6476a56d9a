"""Webhooks, received by aiohttp and verified by livekit-api."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from livekit.api import WebhookReceiver
from livekit.api.access_token import TokenVerifier
from livekit.protocol.models import Room
from livekit.protocol.webhook import WebhookEvent

from meetings.relay.interface import SystemClock
from meetings.relay.signalling import ApiKey
from meetings.relay.webhooks import RETRY_AFTER, Webhooks

KEY = ApiKey("key", "a-secret-of-more-than-thirty-two-bytes")


class Receiver:
    """Answers with `failures` first, then 200."""

    def __init__(self) -> None:
        self.failures: list[int] = []
        self.events: list[WebhookEvent] = []
        self.types: list[str] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        if self.failures:
            return web.Response(status=self.failures.pop(0))
        verifier = WebhookReceiver(TokenVerifier(KEY.key, KEY.secret))
        body = (await request.read()).decode()
        self.events.append(verifier.receive(body, request.headers["Authorization"]))
        self.types.append(request.headers["Content-Type"])
        return web.Response()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


def hooks(*urls: str, limit: int = 100) -> Webhooks:
    return Webhooks(urls, KEY, SystemClock(), limit=limit, retry_after=(0.01, 0.01, 0.01))


async def test_events_arrive_signed_and_in_order(receiver: Receiver) -> None:
    webhooks = hooks(receiver.url)
    await webhooks.start()
    for number in range(5):
        webhooks.put(WebhookEvent(event=f"e{number}", room=Room(name="r")))
    await webhooks.stop()
    assert [event.event for event in receiver.events] == ["e0", "e1", "e2", "e3", "e4"]
    assert receiver.events[0].room.name == "r"
    assert receiver.events[0].created_at > 0
    assert len({event.id for event in receiver.events}) == 5
    assert set(receiver.types) == {"application/webhook+json"}


async def test_a_failing_portal_is_asked_again_and_the_order_kept(receiver: Receiver) -> None:
    receiver.failures = [500, 503]
    webhooks = hooks(receiver.url)
    await webhooks.start()
    for name in ("first", "second"):
        webhooks.put(WebhookEvent(event=name))
    await webhooks.stop()
    assert [event.event for event in receiver.events] == ["first", "second"]


async def test_one_given_up_does_not_hold_back_the_next(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.failures = [500] * 4
    webhooks = hooks(receiver.url)
    await webhooks.start()
    for name in ("lost", "next"):
        webhooks.put(WebhookEvent(event=name))
    await webhooks.stop()
    assert [event.event for event in receiver.events] == ["next"]
    assert "failed for good" in caplog.text


async def test_an_unreachable_portal_ends_in_a_log_line(caplog: pytest.LogCaptureFixture) -> None:
    webhooks = hooks("http://127.0.0.1:9/nobody")
    await webhooks.start()
    webhooks.put(WebhookEvent(event="x"))
    await webhooks.stop()
    assert "ClientConnectorError" in caplog.text


async def test_a_full_queue_drops_the_newest_and_counts() -> None:
    webhooks = hooks("http://127.0.0.1:9/", limit=2)
    for _ in range(5):
        webhooks.put(WebhookEvent(event="x"))
    assert webhooks.dropped == 3


async def test_the_event_is_told_as_it_was(receiver: Receiver) -> None:
    """Rooms change while events wait."""
    webhooks, event = hooks(receiver.url), WebhookEvent(event="x", room=Room(name="r", num_participants=1))
    webhooks.put(event)
    event.room.num_participants = 2
    await webhooks.start()
    await asyncio.sleep(0)
    await webhooks.stop()
    assert receiver.events[0].room.num_participants == 1


async def test_a_dead_listener_delays_no_other(receiver: Receiver) -> None:
    """Regression: one queue for all URLs stood still while the first one was tried again and again."""
    webhooks = Webhooks(
        ("http://127.0.0.1:9/dead", receiver.url), KEY, SystemClock(), limit=100, retry_after=(60.0,)
    )
    await webhooks.start()
    for number in range(3):
        webhooks.put(WebhookEvent(event=f"e{number}"))
    async with asyncio.timeout(5):
        while len(receiver.events) < 3:
            await asyncio.sleep(0.01)
    await webhooks.stop(grace=0)
    assert [event.event for event in receiver.events] == ["e0", "e1", "e2"]


async def test_a_refusal_is_not_repeated(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    receiver.failures = [401, 429]
    webhooks = hooks(receiver.url)
    await webhooks.start()
    for name in ("refused", "busy"):
        webhooks.put(WebhookEvent(event=name))
    await webhooks.stop()
    assert [event.event for event in receiver.events] == ["busy"]
    assert caplog.text.count("failed for good") == 1


def test_a_portal_has_a_minute_to_come_back() -> None:
    assert sum(RETRY_AFTER) >= 45
