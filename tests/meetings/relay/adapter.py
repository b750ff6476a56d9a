"""A small aiohttp front for a relay under test: what the portal's consumer does, without the portal."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from aiohttp import WSMsgType, web
from livekit.api import WebhookReceiver
from livekit.api.access_token import TokenVerifier

from meetings.relay.errors import Refused
from meetings.relay.interface import JoinClaims
from meetings.relay.server import Relay, RelayConfig

KEY, SECRET = "testkey", "a-secret-of-more-than-thirty-two-bytes"
RECORDING_KEY = bytes(range(32))


@dataclass
class OpenPortal:
    """Admits whoever is not in `refused`."""

    refused: set[str] = field(default_factory=set)
    admitted: list[JoinClaims] = field(default_factory=list)

    async def admit(self, claims: JoinClaims) -> None:
        if claims.identity in self.refused:
            raise Refused(status=403, public="Not admitted.", reason="removed by the host")
        self.admitted.append(claims)

    async def recording_key(self, room: str, egress_id: str) -> bytes:
        await asyncio.sleep(0.05)  # a portal asks its database
        return RECORDING_KEY


class Front:
    """HTTP and WebSocket around a relay; also receives its webhooks, verified by livekit-api."""

    def __init__(self) -> None:
        self.relay: Relay | None = None
        self.url = ""
        self.events: list[object] = []
        self._runner: web.AppRunner | None = None
        self._receiver = WebhookReceiver(TokenVerifier(KEY, SECRET))

    async def listen(self, host: str, extra: Mapping[str, object] = MappingProxyType({})) -> str:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_get("/rtc/v1/validate", self._validate)
        app.router.add_get("/rtc/v1", self._socket)
        app.router.add_post("/twirp/{path:.*}", self._twirp)
        app.router.add_post("/webhook", self._webhook)
        for path, handler in extra.items():
            app.router.add_get(path, handler)  # type: ignore[arg-type]
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://{host}:{port}"
        return self.url

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def names(self) -> list[str]:
        return [event.event for event in self.events]  # type: ignore[attr-defined]

    def _the_relay(self) -> Relay:
        assert self.relay is not None
        return self.relay

    async def _validate(self, request: web.Request) -> web.Response:
        try:
            self._the_relay().validate(_token(request))
        except Refused as refused:
            return web.Response(status=refused.status, text=refused.public)
        return web.Response(text="success")

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=1 << 20)
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def send(data: bytes) -> None:
            await asyncio.shield(ready)
            await socket.send_bytes(data)

        async def close(code: int) -> None:
            await asyncio.shield(ready)
            await socket.close(code=code)

        try:
            session = await self._the_relay().join(
                token=_token(request),
                join_request=request.query.get("join_request", ""),
                send=send,
                close=close,
            )
        except Refused as refused:
            return web.Response(status=refused.status, text=refused.public)
        await socket.prepare(request)
        ready.set_result(None)
        async for message in socket:
            if message.type == WSMsgType.BINARY:
                await session.receive(message.data)
        await session.disconnected()
        return socket

    async def _twirp(self, request: web.Request) -> web.Response:
        status, content_type, body = await self._the_relay().twirp(
            request.path,
            request.headers.get("Authorization", ""),
            await request.read(),
            request.headers.get("Content-Type", ""),
        )
        return web.Response(status=status, content_type=content_type, body=body)

    async def _webhook(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        self.events.append(self._receiver.receive(body, request.headers["Authorization"]))
        return web.Response()


def _token(request: web.Request) -> str:
    header = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return request.query.get("access_token") or header


async def started(front: Front, config: RelayConfig, portal: OpenPortal) -> Relay:
    """A running relay behind `front`."""
    front.relay = Relay(config, portal)
    await front.relay.start()
    return front.relay
