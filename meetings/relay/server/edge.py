"""A relay's own address: LiveKit's HTTP and WebSocket paths, served by aiohttp.

Whoever listens here needs nothing else. The portal's embedded relay is reached through Daphne instead.
"""

import asyncio
from ipaddress import ip_address
from typing import Final

from aiohttp import WSMsgType, web
from aiohttp.typedefs import Handler

from meetings.relay.errors import Refused
from meetings.relay.server.metrics import CONTENT_TYPE
from meetings.relay.server.relay import Relay

# A join request with its offer stands in the request line.
_LONGEST_LINE: Final = 300 * 1024
_LARGEST_BODY: Final = 1024 * 1024
_BODY_SECONDS: Final = 20.0
# A socket whose machine vanished without a word is found by ping and pong (seconds).
_HEARTBEAT: Final = 20.0
_CLOSING_SECONDS: Final = 2.0
# Pages of any origin may ask: the token decides, and no cookie is ever read (as LiveKit's server answers).
_CORS: Final = {"Access-Control-Allow-Origin": "*"}
_FOR_OTHERS: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via", "Origin", "Sec-Fetch-Site")
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "86400",
}


def application(relay: Relay) -> web.Application:
    """LiveKit's paths for one relay, and ``/`` for whoever asks whether it is alive."""
    paths = _Paths(relay)
    app = web.Application(client_max_size=_LARGEST_BODY, middlewares=[_preflights])
    app.on_response_prepare.append(_allow_any_origin)
    app.router.add_get("/", _health)
    app.router.add_get("/metrics", paths.metrics)
    app.router.add_get("/rtc/v1/validate", paths.validate)
    app.router.add_get("/rtc/v1", paths.socket)
    app.router.add_post("/twirp/{method:.+}", paths.twirp)
    return app


class Listener:
    """Owner of the listening socket and of the connections that came by it."""

    def __init__(self, app: web.Application) -> None:
        # No access log: request lines carry tokens.
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=_CLOSING_SECONDS, max_line_size=_LONGEST_LINE
        )

    async def listen(self, host: str, port: int) -> int:
        """Starts listening; returns the port, which matters where `port` is 0. Raises OSError."""
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound: int = self._runner.addresses[0][1]
        return bound

    async def close(self) -> None:
        """Closes everything. Stop the relay first, so that clients hear a leave."""
        await self._runner.cleanup()


class _Paths:
    """Translates between aiohttp and the relay; hostile requests are answered with a status."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    async def validate(self, request: web.Request) -> web.Response:
        try:
            self._relay.validate(_token(request))
        except Refused as refused:
            return _refusal(refused)
        return web.Response(text="success")

    async def socket(self, request: web.Request) -> web.StreamResponse:
        longest = self._relay.config.limits.signal_message
        socket = web.WebSocketResponse(
            max_msg_size=longest, heartbeat=_HEARTBEAT, timeout=_CLOSING_SECONDS, compress=False
        )
        if not socket.can_prepare(request):
            return web.Response(status=400, text="A WebSocket is expected here.")
        opened = asyncio.Event()

        async def send(data: bytes) -> None:
            await opened.wait()
            await socket.send_bytes(data)

        async def close(code: int) -> None:
            await opened.wait()
            await socket.close(code=code)

        try:
            session = await self._relay.join(
                token=_token(request),
                join_request=request.query.get("join_request", ""),
                send=send,
                close=close,
            )
        except Refused as refused:
            return _refusal(refused)
        try:
            await socket.prepare(request)
            opened.set()
            async for message in socket:
                if message.type == WSMsgType.BINARY:
                    await session.receive(message.data)
        finally:
            await session.disconnected()
        return socket

    async def twirp(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408, text="The request did not come in time.")
        headers = request.headers
        status, content_type, answer = await self._relay.twirp(
            request.path, headers.get("Authorization", ""), body, headers.get("Content-Type", "")
        )
        return web.Response(status=status, content_type=content_type, body=answer)

    async def metrics(self, request: web.Request) -> web.Response:
        try:
            body = self._relay.metrics(_token(request), near=_near(request))
        except Refused as refused:
            return _refusal(refused)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


def _near(request: web.Request) -> bool:
    """Asked from this machine: by no proxy for somebody else, and by no page that a browser here has open."""
    if any(name in request.headers for name in _FOR_OTHERS):
        return False
    try:
        return ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


def _token(request: web.Request) -> str:
    """Browsers cannot set headers on a WebSocket: the token comes in the query, or as a bearer token."""
    header = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    return request.query.get("access_token") or header


def _refusal(refused: Refused) -> web.Response:
    return web.Response(status=refused.status, text=refused.public)


async def _health(request: web.Request) -> web.Response:
    return web.Response(text="OK")


@web.middleware
async def _preflights(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.method == "OPTIONS":
        return web.Response(status=204, headers=_PREFLIGHT)
    return await handler(request)


async def _allow_any_origin(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_CORS)
