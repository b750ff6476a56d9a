"""Messages to one client, in order, without anybody waiting for its socket."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from livekit.protocol.rtc import SignalResponse

log = logging.getLogger("visio.relay")

Send = Callable[[bytes], Awaitable[None]]
Close = Callable[[int], Awaitable[None]]

GOING_AWAY = 1001
TRY_AGAIN = 1013


class Outbox:
    """A bounded queue and the task that empties it into a socket.

    A client that reads so slowly that `limit` messages or `max_bytes` wait is disconnected (close code
    1013): it comes back with a resume, which is cheaper than an unbounded queue.
    """

    def __init__(self, send: Send, close: Close, *, limit: int, max_bytes: int) -> None:
        self._send, self._close = send, close
        self._queue: asyncio.Queue[bytes | int] = asyncio.Queue(limit)
        self._max_bytes, self._bytes = max_bytes, 0
        self._open, self._linger = True, 0.0
        self._task = asyncio.create_task(self._run())

    def put(self, message: SignalResponse) -> None:
        """Queues a message; nothing happens on a closed outbox."""
        self.put_packed(message.SerializeToString())

    def put_packed(self, data: bytes) -> None:
        """The same for a message that is on its way to many, in bytes already."""
        if not self._open:
            return
        self._bytes += len(data)
        try:
            if self._bytes > self._max_bytes:
                raise asyncio.QueueFull
            self._queue.put_nowait(data)
        except asyncio.QueueFull:
            log.warning("a client reads too slowly, its socket is closed")
            self._open = False
            self._task.cancel()
            self._task = asyncio.create_task(self._shut(TRY_AGAIN))

    def finish(self, code: int = GOING_AWAY, *, linger: float = 0.0) -> None:
        """Closes the socket after everything queued has been sent; its client may do so first, for `linger`
        seconds: LiveKit's clients take a socket that closes right behind a leave for a lost one."""
        if not self._open:
            return
        self._open, self._linger = False, linger
        try:
            self._queue.put_nowait(code)
        except asyncio.QueueFull:
            self._task.cancel()
            self._task = asyncio.create_task(self._shut(code))

    async def abandon(self) -> None:
        """The socket is gone: drop what is queued."""
        self._open = False
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def drained(self, timeout: float) -> None:
        """Waits, at most `timeout` seconds, until the task has ended."""
        await asyncio.wait([self._task], timeout=timeout)

    async def _run(self) -> None:
        while True:
            item = await self._queue.get()
            if isinstance(item, int):
                await asyncio.sleep(self._linger)
                await self._shut(item)
                return
            self._bytes -= len(item)
            try:
                await self._send(item)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                # Whatever a socket raises, it is gone; its reader ends the session.
                log.debug("sending failed: %r", error)
                self._open = False
                return

    async def _shut(self, code: int) -> None:
        try:
            await self._close(code)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.debug("closing failed: %r", error)
