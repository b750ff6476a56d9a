"""WebSocket and HTTP edges of the embedded relay: verify, admit, hand over."""

import asyncio
import logging
from typing import Any
from urllib.parse import parse_qs

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from meetings.errors import MeetingsError, NotAllowed
from meetings.relay.errors import Refused
from meetings.relay.interface import JoinClaims
from meetings.relay.server import Relay, RelayConfig, Session
from meetings.services import admission, recording

log = logging.getLogger("visio.relay")


class PortalAnswers:
    """What the relay asks of the portal, answered from the database."""

    async def admit(self, claims: JoinClaims) -> None:
        try:
            await database_sync_to_async(admission.verify)(
                room=claims.room,
                identity=claims.identity,
                name=claims.name,
                role=claims.attributes.get("role", ""),
            )
        except NotAllowed as refusal:
            raise Refused(status=403, public="not allowed", reason=str(refusal)) from None

    async def recording_key(self, room: str, egress_id: str) -> bytes:
        try:
            return await database_sync_to_async(recording.running_key)(room=room)
        except MeetingsError as error:
            raise Refused(status=403, public="not allowed", reason=str(error)) from None


class EmbeddedRelay:
    """The one relay of this process, started by the server's start or by the first who needs it."""

    def __init__(self) -> None:
        self._relay: Relay | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> Relay:
        """The running relay. Raises OSError where its UDP port cannot be had."""
        async with self._lock:
            if self._relay is None:
                relay = Relay(_config(), PortalAnswers())
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


def _config() -> RelayConfig:
    return RelayConfig(
        api_key=settings.MEDIA_SERVER_KEY,
        api_secret=settings.MEDIA_SERVER_SECRET,
        media_addresses=settings.VISIO.media_addresses,
        udp_port=settings.VISIO.udp_port,
        recordings_dir=settings.RECORDINGS_DIR,
        webhook_urls=(settings.MEDIA_WEBHOOK_URL,),
    )


embedded = EmbeddedRelay()


def _query(scope: Any, name: str) -> str:
    return parse_qs(scope["query_string"].decode("ascii", "replace")).get(name, [""])[0]


def _header(scope: Any, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


def _token(scope: Any) -> str:
    """Browsers cannot set headers on a WebSocket: the token comes in the query, or as a bearer token."""
    return _query(scope, "access_token") or _header(scope, b"authorization").removeprefix("Bearer ").strip()


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
                token=_token(self.scope),
                join_request=_query(self.scope, "join_request"),
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


class NoSuchSocket(AsyncConsumer):
    """Any other WebSocket address: refused, quietly."""

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        await self.send({"type": "websocket.close"})
        raise StopConsumer


class BoundedHttpConsumer(AsyncHttpConsumer):
    """Gathers a request's body only as far as an honest client needs; answers 413 beyond that."""

    largest_body = 1024 * 1024

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gathered = 0

    async def http_request(self, message: dict[str, Any]) -> None:
        self._gathered += len(message.get("body", b""))
        if self._gathered > self.largest_body:
            await self.send_response(413, b"too large")
            raise StopConsumer
        await super().http_request(message)


class ValidateConsumer(BoundedHttpConsumer):
    """``/rtc/v1/validate``: whether a token would be let in. Never 404, which means “older protocol”."""

    async def handle(self, body: bytes) -> None:
        relay = await embedded.get()
        try:
            relay.validate(_token(self.scope))
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
            _header(self.scope, b"authorization"),
            body,
            _header(self.scope, b"content-type"),
        )
        await self.send_response(status, answer, headers=[(b"Content-Type", content_type.encode())])
