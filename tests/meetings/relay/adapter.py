"""A relay under test behind its own edge, without the portal."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

from aiohttp import web
from livekit.api import WebhookReceiver
from livekit.api.access_token import TokenVerifier

from meetings.relay.errors import Refused
from meetings.relay.interface import JoinClaims
from meetings.relay.server import Listener, Relay, RelayConfig, application

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


class Stand:
    """Passes on to the front's relay of the moment: tests start it after the address is known, some twice."""

    def __init__(self, front: "Front") -> None:
        self._front = front

    def __getattr__(self, name: str) -> Any:
        return getattr(self._front.relay, name)


class Front:
    """A relay's own edge; also receives its webhooks, verified by livekit-api."""

    def __init__(self) -> None:
        self.relay: Relay | None = None
        self.url = ""
        self.events: list[object] = []
        self._listener: Listener | None = None
        self._receiver = WebhookReceiver(TokenVerifier(KEY, SECRET))

    async def listen(self, host: str, extra: Mapping[str, object] = MappingProxyType({})) -> str:
        app = application(cast("Relay", Stand(self)))
        app.router.add_post("/webhook", self._webhook)
        for path, handler in extra.items():
            app.router.add_get(path, handler)  # type: ignore[arg-type]
        self._listener = Listener(app)
        self.url = f"http://{host}:{await self._listener.listen(host, 0)}"
        return self.url

    async def close(self) -> None:
        if self._listener is not None:
            await self._listener.close()

    def names(self) -> list[str]:
        return [event.event for event in self.events]  # type: ignore[attr-defined]

    async def _webhook(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        self.events.append(self._receiver.receive(body, request.headers["Authorization"]))
        return web.Response()


async def started(front: Front, config: RelayConfig, portal: OpenPortal) -> Relay:
    """A running relay behind `front`."""
    front.relay = Relay(config, portal)
    await front.relay.start()
    return front.relay
