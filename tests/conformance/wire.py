"""What goes over the wire: a relay whose signalling is noted, and the RTP headers on their way down."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from livekit.protocol.rtc import JoinRequest, SignalRequest, SignalResponse

from meetings.relay.rtp import parse_rtp
from meetings.relay.server import Relay, Session
from meetings.relay.signalling import decode_join_request
from tests.meetings.relay.impairer import media


@dataclass(frozen=True)
class Message:
    """One signalling message; `kind` is the name in the protocol's oneof."""

    at: float
    identity: str
    outwards: bool
    kind: str
    body: Any


class Wire:
    """Messages of everyone, in order; indices into it serve as marks."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.joins: dict[str, JoinRequest] = {}
        self.joined_at: dict[str, float] = {}
        self.sessions: dict[str, Session] = {}
        self.injected: set[tuple[str, str]] = set()

    def mark(self) -> int:
        return len(self.messages)

    def note(self, identity: str, *, outwards: bool, message: SignalRequest | SignalResponse) -> None:
        kind = message.WhichOneof("message") or ""
        body = getattr(message, kind) if kind else None
        self.messages.append(Message(time.monotonic(), identity, outwards, kind, body))

    def said(self, identity: str, kind: str, since: int = 0) -> list[Any]:
        """Bodies of what a client said."""
        return self._find(identity, kind, since, outwards=False)

    def heard(self, identity: str, kind: str, since: int = 0) -> list[Any]:
        """Bodies of what a client was told."""
        return self._find(identity, kind, since, outwards=True)

    def kinds(self, identity: str) -> list[str]:
        return [
            message.kind for message in self.messages if message.identity == identity and message.outwards
        ]

    def since(self, identity: str, mark: int) -> list[str]:
        """What went to and fro, in order: for messages of tests that fail."""
        mine = [message for message in self.messages[mark:] if message.identity == identity]
        return [f"{'to' if message.outwards else 'from'} {message.kind}" for message in mine]

    async def inject(self, identity: str, **fields: Any) -> None:
        """A message into a client's own session that the client has no call for."""
        message = SignalRequest(**fields)
        self.injected.add((identity, message.WhichOneof("message") or ""))
        self.note(identity, outwards=False, message=message)
        await self.sessions[identity].receive(message.SerializeToString())

    def _find(self, identity: str, kind: str, since: int, *, outwards: bool) -> list[Any]:
        return [
            message.body
            for message in self.messages[since:]
            if (message.identity, message.kind, message.outwards) == (identity, kind, outwards)
        ]


class TappedRelay(Relay):
    """A relay that lets `wire` listen."""

    wire: Wire

    async def join(
        self,
        *,
        token: str,
        join_request: str,
        send: Callable[[bytes], Awaitable[None]],
        close: Callable[[int], Awaitable[None]],
    ) -> Session:
        identity = self._claims(token).identity

        async def tapped(data: bytes) -> None:
            self.wire.note(identity, outwards=True, message=SignalResponse.FromString(data))
            await send(data)

        request = decode_join_request(join_request, limit=self.config.limits.join_request)
        if not request.reconnect:
            self.wire.joins[identity], self.wire.joined_at[identity] = request, time.monotonic()
        session = await super().join(token=token, join_request=join_request, send=tapped, close=close)
        self.wire.sessions[identity] = session
        return TappedSession(session, self.wire, identity)


class TappedSession(Session):
    """A session whose every message is noted before it is handled."""

    def __init__(self, session: Session, wire: Wire, identity: str) -> None:
        self._session, self._wire, self._identity = session, wire, identity

    async def receive(self, data: bytes) -> None:
        self._wire.note(self._identity, outwards=False, message=SignalRequest.FromString(data))
        await self._session.receive(data)

    async def disconnected(self) -> None:
        await self._session.disconnected()


@dataclass(frozen=True)
class Packet:
    """The part of an SRTP packet that is not encrypted."""

    at: float
    sequence: int
    timestamp: int
    marker: bool


class Headers:
    """Notes the headers of one SSRC on its way down (`impairer.Loses`: it loses nothing)."""

    def __init__(self, ssrc: int) -> None:
        self._ssrc = ssrc
        self.packets: list[Packet] = []

    def __call__(self, data: bytes) -> bool:
        if media(data):
            header = parse_rtp(data)
            if header.ssrc == self._ssrc:
                packet = Packet(time.monotonic(), header.sequence, header.timestamp, header.marker)
                self.packets.append(packet)
        return False
