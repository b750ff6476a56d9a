"""Edges for a relay in another process: browsers know the portal's address alone, and it passes them on.

``/twirp`` is not passed on: the portal asks the relay itself.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import aiohttp
from channels.generic.websocket import AsyncWebsocketConsumer

from meetings.consumers.http import BoundedHttpConsumer
from meetings.consumers.relays import Scope, Upstream, forwarding
from meetings.consumers.whereabouts import RelayAway, RelayRefused

log = logging.getLogger("visio.forwarding")

# A relay that takes nothing for so long (seconds) is stuck; its client comes back by itself.
_STUCK: Final = 10.0
_SERVICE_RESTART: Final = 1012
_TRY_AGAIN: Final = 1013
_GOING_AWAY: Final = 1001


class SignalForwarder(AsyncWebsocketConsumer):
    """``/rtc/v1``: accepted once the relay has, with its close code in the end.

    One message is under way in each direction at a time, so nothing piles up here: a slow side holds up the
    other, and the relay's own bound on a client's queue decides.
    """

    _task: asyncio.Task[None] | None = None
    _upstream: aiohttp.ClientWebSocketResponse | None = None
    _farewell: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        # In a task: a client that gives up meanwhile must not join as a ghost of itself later.
        self._task = asyncio.create_task(self._forward())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._upstream is None or bytes_data is None:
            return
        try:
            async with asyncio.timeout(_STUCK):
                await self._upstream.send_bytes(bytes_data)
        except TimeoutError:
            await self.close(_TRY_AGAIN)
        except (ConnectionError, aiohttp.ClientError):
            """The reading side finds out, too, and closes."""

    async def disconnect(self, code: int) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _forward(self) -> None:
        try:
            async with _opened(self.scope) as upstream:
                await self.accept()
                self._upstream = socket = upstream.socket
                with forwarding.watching(upstream, self._moved):
                    async for message in socket:
                        if message.type == aiohttp.WSMsgType.BINARY:
                            await self.send(bytes_data=message.data)
                await self.close(_told(socket.close_code))
        except (RelayRefused, RelayAway) as refusal:
            log.info("a socket was not let in: %s", refusal)
            await self.close()
        except Exception:
            log.exception("forwarding broke off")
            await self.close(_SERVICE_RESTART)

    def _moved(self) -> None:
        """The client comes back at once, and is sent where its room is now; that ends this task, too."""
        self._farewell = asyncio.create_task(self.close(_SERVICE_RESTART))


@asynccontextmanager
async def _opened(scope: Scope) -> AsyncIterator[Upstream]:
    upstream = await forwarding.socket(scope)
    try:
        yield upstream
    finally:
        await asyncio.shield(upstream.socket.close(code=_GOING_AWAY))


def _told(code: int | None) -> int:
    """A relay that died gave none, or one that may not be sent (RFC 6455 §7.4.1): clients then come back."""
    return code if code is not None and (1000 <= code <= 1003 or 1007 <= code <= 1014) else _SERVICE_RESTART


class ValidateForwarder(BoundedHttpConsumer):
    """``/rtc/v1/validate``: the relay's own judgement, or 503: clients then try again."""

    async def handle(self, body: bytes) -> None:
        try:
            status, text = await forwarding.validation(self.scope)
        except RelayAway as away:
            log.info("a token could not be judged: %s", away)
            await self.send_response(503, b"The media server is away for a moment.")
            return
        await self.send_response(status, text)
