"""A relay without media, and clients of its signalling."""

import asyncio
import base64
import time
from typing import Any

import jwt
from livekit import api
from livekit.protocol.rtc import (
    ConnectionSettings,
    JoinRequest,
    SignalRequest,
    SignalResponse,
    WrappedJoinRequest,
)

from meetings.relay.server import Relay, Session

from .adapter import KEY, SECRET, Front, OpenPortal


def token(identity: str = "ann", room: str = "r", secret: str = SECRET, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": KEY,
        "sub": identity,
        "name": identity.title(),
        "nbf": now - 5,
        "exp": now + 3600,
        "attributes": {"role": "guest"},
        "video": {"roomJoin": True, "room": room, "canUpdateOwnMetadata": True},
    }
    claims.update(changes)
    return jwt.encode(claims, secret, algorithm="HS256")


def joining(**fields: Any) -> str:
    request = JoinRequest(connection_settings=ConnectionSettings(auto_subscribe=True), **fields)
    wrapper = WrappedJoinRequest(join_request=request.SerializeToString())
    return base64.urlsafe_b64encode(wrapper.SerializeToString()).decode()


class Client:
    """The far end of one socket."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.heard: list[SignalResponse] = []
        self.closed: list[int] = []
        self.session: Session | None = None

    async def _send(self, data: bytes) -> None:
        self.heard.append(SignalResponse.FromString(data))

    async def _close(self, code: int) -> None:
        self.closed.append(code)

    async def join(self, bearer: str, **fields: Any) -> "Client":
        self.session = await self.relay.join(
            token=bearer, join_request=joining(**fields), send=self._send, close=self._close
        )
        await settle()
        return self

    async def say(self, **fields: Any) -> None:
        assert self.session is not None
        await self.session.receive(SignalRequest(**fields).SerializeToString())
        await settle()

    def last(self, kind: str) -> Any:
        return next(getattr(m, kind) for m in reversed(self.heard) if m.WhichOneof("message") == kind)

    def kinds(self) -> list[str | None]:
        return [message.WhichOneof("message") for message in self.heard]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Stage:
    def __init__(self, relay: Relay, portal: OpenPortal, front: Front) -> None:
        self.relay, self.portal, self.front = relay, portal, front

    async def enter(self, identity: str, **changes: Any) -> Client:
        return await Client(self.relay).join(token(identity, **changes))


def bearer(**grants: Any) -> str:
    made = api.AccessToken(KEY, SECRET).with_grants(api.VideoGrants(**grants)).to_jwt()
    return f"Bearer {made}"
