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
# Waits between attempts (seconds), a minute in all: a portal being restarted is back by then.
RETRY_AFTER: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 20.0)
TIMEOUT: Final = 10.0
# Answers that another attempt may change (RFC 9110 §15.5.9, RFC 6585 §4); other refusals are final.
_TRY_AGAIN: Final = frozenset({408, 425, 429})


class Webhooks:
    """Tells every URL everything, in the order in which it happened; a dead one delays no other."""

    def __init__(
        self,
        urls: Sequence[str],
        api_key: ApiKey,
        clock: Clock,
        *,
        limit: int,
        retry_after: Sequence[float] = RETRY_AFTER,
    ) -> None:
        self._clock = clock
        self._listeners = [_Listener(url, api_key, limit, tuple(retry_after)) for url in urls]
        self._session: aiohttp.ClientSession | None = None

    @property
    def dropped(self) -> int:
        """Events that did not fit into a queue."""
        return sum(listener.dropped for listener in self._listeners)

    async def start(self) -> None:
        if self._listeners:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))
            for listener in self._listeners:
                listener.start(self._session)

    async def stop(self, *, grace: float = 5.0) -> None:
        """Sends what is queued, for at most `grace` seconds."""
        await asyncio.gather(*(listener.stop(grace) for listener in self._listeners))
        if self._session is not None:
            await self._session.close()
            self._session = None

    def put(self, event: WebhookEvent) -> None:
        """Queues a copy of the event, with an id and the time."""
        if not self._listeners:
            return
        copy = WebhookEvent()
        copy.CopyFrom(event)
        copy.id = f"EV_{secrets.token_hex(6)}"
        copy.created_at = self._clock.wall_ns() // 1_000_000_000
        for listener in self._listeners:
            listener.put(copy)


class _Listener:
    """One URL: a bounded queue and the task that empties it.

    Beyond `limit` waiting events the newest are dropped, counted in `dropped` and logged.
    """

    def __init__(self, url: str, api_key: ApiKey, limit: int, retry_after: Sequence[float]) -> None:
        self._url, self._api_key, self._retry_after = url, api_key, retry_after
        self._queue: asyncio.Queue[WebhookEvent] = asyncio.Queue(limit)
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0

    def start(self, session: aiohttp.ClientSession) -> None:
        self._task = asyncio.create_task(self._run(session))

    async def stop(self, grace: float) -> None:
        if self._task is None:
            return
        try:
            await asyncio.wait_for(self._queue.join(), grace)
        except TimeoutError:
            log.warning("%d webhooks were not delivered to %s", self._queue.qsize(), self._url)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    def put(self, event: WebhookEvent) -> None:
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self.dropped += 1
            log.error("webhook %s dropped, %d so far: the queue is full", event.event, self.dropped)

    async def _run(self, session: aiohttp.ClientSession) -> None:
        while True:
            event = await self._queue.get()
            try:
                await self._deliver(session, event, MessageToJson(event).encode())
            except Exception:
                # One event that cannot be sent must not silence all that follow.
                log.exception("webhook %s %s failed", event.event, event.id)
            finally:
                self._queue.task_done()

    async def _deliver(self, session: aiohttp.ClientSession, event: WebhookEvent, body: bytes) -> None:
        for wait in (*self._retry_after, None):
            status, problem = await self._attempt(session, body)
            if not problem:
                return
            if wait is None or (400 <= status < 500 and status not in _TRY_AGAIN):
                log.error("webhook %s %s failed for good: %s", event.event, event.id, problem)
                return
            log.warning("webhook %s %s failed: %s", event.event, event.id, problem)
            await asyncio.sleep(wait)

    async def _attempt(self, session: aiohttp.ClientSession, body: bytes) -> tuple[int, str]:
        """The status, 0 for none, and what went wrong, empty for nothing."""
        headers = {"Authorization": self._api_key.sign_body(body), "Content-Type": CONTENT_TYPE}
        try:
            async with session.post(self._url, data=body, headers=headers) as response:
                return response.status, "" if response.status < 300 else f"status {response.status}"
        except (aiohttp.ClientError, TimeoutError) as error:
            return 0, f"{type(error).__name__}: {error}"
