"""Edges of the relay that runs in this process: verify, admit, hand over."""

import asyncio

from channels.generic.websocket import AsyncWebsocketConsumer

from meetings.consumers.http import BoundedHttpConsumer, header, query, token
from meetings.consumers.portal import PortalAnswers, relay_config
from meetings.relay.errors import Refused
from meetings.relay.server import Relay, Session


class EmbeddedRelay:
    """The one relay of this process, started by the server's start or by the first who needs it."""

    def __init__(self) -> None:
        self._relay: Relay | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> Relay:
        """The running relay. Raises OSError where its UDP port cannot be had."""
        async with self._lock:
            if self._relay is None:
                relay = Relay(relay_config(), PortalAnswers())
                await relay.start()
                self._relay = relay
        return self._relay

    @property
    def running(self) -> Relay | None:
        """The relay, where one was started."""
        return self._relay

    async def stop(self) -> None:
        async with self._lock:
            if self._relay is not None:
                await self._relay.stop()
                self._relay = None


embedded = EmbeddedRelay()


class SignalConsumer(AsyncWebsocketConsumer):
    """``/rtc/v1``: LiveKit signalling. A refused connection is closed before it is accepted (HTTP 403)."""

    session: Session | None = None

    async def connect(self) -> None:
        relay = await embedded.get()
        opened = asyncio.Event()

        async def send(data: bytes) -> None:
            await opened.wait()
            await self.send(bytes_data=data)

        try:
            self.session = await relay.join(
                token=token(self.scope),
                join_request=query(self.scope, "join_request"),
                send=send,
                close=self.close,
            )
        except Refused:
            await self.close()
            return
        await self.accept()
        opened.set()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.session is not None and bytes_data is not None:
            await self.session.receive(bytes_data)

    async def disconnect(self, code: int) -> None:
        if self.session is not None:
            await self.session.disconnected()


class ValidateConsumer(BoundedHttpConsumer):
    """``/rtc/v1/validate``: whether a token would be let in. Never 404, which means “older protocol”."""

    async def handle(self, body: bytes) -> None:
        relay = await embedded.get()
        try:
            relay.validate(token(self.scope))
        except Refused as refusal:
            await self.send_response(refusal.status, refusal.public.encode())
            return
        await self.send_response(200, b"success")


class ServerApiConsumer(BoundedHttpConsumer):
    """``/twirp/…``: LiveKit's server API on the embedded relay."""

    async def handle(self, body: bytes) -> None:
        relay = await embedded.get()
        status, content_type, answer = await relay.twirp(
            self.scope["url_route"]["kwargs"]["method"],
            header(self.scope, b"authorization"),
            body,
            header(self.scope, b"content-type"),
        )
        await self.send_response(status, answer, headers=[(b"Content-Type", content_type.encode())])
