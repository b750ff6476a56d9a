"""Telling the portal what happens: signed as LiveKit signs, in order, with a few retries."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from typing import Final

import aiohttp
from google.protobuf.json_format import MessageToJson
from livekit.protocol.webhook import WebhookEvent

from meetings.relay.interface import Clock
from meetings.relay.signalling import ApiKey

log = logging.getLogger("visio.relay")

CONTENT_TYPE: Final = "application/webhook+json"
# Waits before the second, third and fourth attempt (seconds); a portal being restarted is back by then.
RETRY_AFTER: Final = (0.2, 1.0, 3.0)
TIMEOUT: Final = 10.0


class Webhooks:
    """One bounded queue and one sender, so that events arrive in the order in which they happened.

    Beyond `limit` waiting events the newest are dropped, counted in `dropped` and logged.
    """

    def __init__(
        self,
        urls: Sequence[str],
        api_key: ApiKey,
        clock: Clock,
        *,
        limit: int,
        retry_after: Sequence[float] = RETRY_AFTER,
    ) -> None:
        self._urls, self._api_key, self._clock = tuple(urls), api_key, clock
        self._retry_after = tuple(retry_after)
        self._queue: asyncio.Queue[WebhookEvent] = asyncio.Queue(limit)
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self, *, grace: float = 5.0) -> None:
        """Sends what is queued, for at most `grace` seconds."""
        if self._task is None:
            return
        try:
            await asyncio.wait_for(self._queue.join(), grace)
        except TimeoutError:
            log.warning("%d webhooks were not delivered", self._queue.qsize())
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    def put(self, event: WebhookEvent) -> None:
        """Queues a copy of the event, with an id and the time."""
        if not self._urls:
            return
        copy = WebhookEvent()
        copy.CopyFrom(event)
        copy.id = f"EV_{secrets.token_hex(6)}"
        copy.created_at = self._clock.wall_ns() // 1_000_000_000
        try:
            self._queue.put_nowait(copy)
        except asyncio.QueueFull:
            self.dropped += 1
            log.error("webhook %s dropped, %d so far: the queue is full", event.event, self.dropped)

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                event = await self._queue.get()
                try:
                    body = MessageToJson(event).encode()
                    for url in self._urls:
                        await self._deliver(session, url, event, body)
                except Exception:
                    # One event that cannot be sent must not silence all that follow.
                    log.exception("webhook %s %s failed", event.event, event.id)
                finally:
                    self._queue.task_done()

    async def _deliver(
        self, session: aiohttp.ClientSession, url: str, event: WebhookEvent, body: bytes
    ) -> None:
        for wait in (*self._retry_after, None):
            problem = await self._attempt(session, url, body)
            if problem is None:
                return
            if wait is None:
                log.error("webhook %s %s failed for good: %s", event.event, event.id, problem)
            else:
                log.warning("webhook %s %s failed: %s", event.event, event.id, problem)
                await asyncio.sleep(wait)

    async def _attempt(self, session: aiohttp.ClientSession, url: str, body: bytes) -> str | None:
        """What went wrong, None for nothing."""
        headers = {"Authorization": self._api_key.sign_body(body), "Content-Type": CONTENT_TYPE}
        try:
            async with session.post(url, data=body, headers=headers) as response:
                return None if response.status < 300 else f"status {response.status}"
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"{type(error).__name__}: {error}"
