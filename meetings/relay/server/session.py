"""One client's socket, from the relay's side."""

import logging

from google.protobuf.message import DecodeError
from livekit.protocol.models import DisconnectReason
from livekit.protocol.rtc import SignalRequest

from meetings.relay.errors import LimitExceeded, RelayError
from meetings.relay.interface import Clock, RelayLimits
from meetings.relay.participant import Participant, handle
from meetings.relay.room import Room
from meetings.relay.signalling import Outbox, TokenBucket

log = logging.getLogger("visio.relay")


class Session:
    """One client's socket. The embedder feeds it; messages out go through the `send` it gave."""

    def __init__(
        self, limits: RelayLimits, clock: Clock, room: Room, person: Participant, outbox: Outbox
    ) -> None:
        self._room, self._person, self._outbox = room, person, outbox
        self._limits, self._clock = limits, clock
        now = clock.monotonic()
        self._messages = TokenBucket(rate=limits.signal_rate, burst=limits.signal_burst, now=now)
        self._bytes = TokenBucket(rate=limits.signal_bytes_rate, burst=limits.signal_bytes_burst, now=now)
        self._over = False

    async def receive(self, data: bytes) -> None:
        """One WebSocket message. Never raises: a hostile client is disconnected and logged."""
        if self._over or not self._person.present or self._person.outbox is not self._outbox:
            return
        try:
            if len(data) > self._limits.signal_message:
                raise LimitExceeded(f"a signalling message of {len(data)} bytes")
            now = self._clock.monotonic()
            if not self._messages.take(now) or not self._bytes.take(now, len(data)):
                raise LimitExceeded("too many signalling messages")
            request = SignalRequest.FromString(data)
            if request.WhichOneof("message") == "leave":
                self._over = True
                self._room.remove(self._person, DisconnectReason.CLIENT_INITIATED, action=None)
            else:
                handle(self._person, request)
        except (RelayError, DecodeError) as error:
            log.warning("%s is disconnected: %s: %s", self._person.identity, type(error).__name__, error)
            self._expel()
        except Exception:
            log.exception("%s: a message could not be handled", self._person.identity)
            self._expel()

    def _expel(self) -> None:
        self._over = True
        self._room.remove(self._person, DisconnectReason.STATE_MISMATCH)

    async def disconnected(self) -> None:
        """The socket is gone; the participant stays a while for it to come back."""
        self._over = True
        await self._outbox.abandon()
        if self._person.outbox is self._outbox and self._person.present:
            self._person.outbox = None
            self._person.gone_at = self._clock.monotonic()


class FinishedSession(Session):
    """A socket that was told to go: nothing it sends matters."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def receive(self, data: bytes) -> None:
        return

    async def disconnected(self) -> None:
        await self._outbox.abandon()
