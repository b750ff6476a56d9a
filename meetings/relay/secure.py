"""DTLS, SRTP keys and SCTP: the only file that touches aiortc.

The private seams used (unchanged since aiortc 1.9, hence the pin in requirements.txt) are exercised by
tests/meetings/relay/test_secure.py: `_set_role`, `_rx_srtp`, `_tx_srtp`, `_send_data`'s route through
`transport._send`, `_recv_next`'s route through `transport._recv`, `_task`, `RTCSctpTransport._handle_data`
and `_send_chunk`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiortc import RTCCertificate
from aiortc.rtcdatachannel import RTCDataChannel
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcsctptransport import Chunk, RTCSctpCapabilities, RTCSctpTransport

from meetings.relay.errors import LimitExceeded, RelayError
from meetings.relay.interface import SrtpSession, SrtpSessions

log = logging.getLogger("visio.relay")

SCTP_PORT: Final = 5000
# Datagrams waiting for the handshake's task; a handshake is a dozen, an SCTP burst some hundred.
_INBOX: Final = 1024
MAX_CHANNELS: Final = 8
# Clients open two. aiortc keeps every channel ever opened, with its label of up to 64 KB.
MAX_OPENINGS: Final = 64


class DtlsFailed(RelayError):
    """The handshake broke off, or the certificate is not the one the offer named."""


class Certificate:
    """The relay's self-signed certificate; one for all transports, made at start."""

    def __init__(self) -> None:
        self.certificate = RTCCertificate.generateCertificate()

    @property
    def fingerprint(self) -> tuple[str, str]:
        """(hash name, colon-separated hex), for the answer's `a=fingerprint` (RFC 8122 §5)."""
        sha256 = next(f for f in self.certificate.getFingerprints() if f.algorithm == "sha-256")
        return sha256.algorithm, sha256.value


class _Pipe:
    """Stands where aiortc expects an ICE transport: datagrams in by a queue, out by a function."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send_out = send
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue(_INBOX)
        self.dropped = 0

    def feed(self, data: bytes) -> None:
        try:
            self.inbox.put_nowait(data)
        except asyncio.QueueFull:
            self.dropped += 1

    async def _recv(self) -> bytes:
        return await self.inbox.get()

    async def _send(self, data: bytes) -> None:
        self._send_out(data)


class _Sctp(RTCSctpTransport):
    """aiortc's SCTP asserts on some malformed messages; here they end this association, nothing else."""

    on_broken: Callable[[], None] = staticmethod(lambda: None)

    async def _handle_data(self, data: bytes) -> None:
        try:
            await super()._handle_data(data)
            if self._advertised_rwnd < 0:  # aiortc announces a window and never enforces it
                raise LimitExceeded("more unfinished messages than the window allows")
        except Exception:
            log.info("SCTP message of a peer broke its association", exc_info=True)
            self.on_broken()

    async def _send_chunk(self, chunk: Chunk) -> None:
        # Timers and acknowledgements of a lost peer: aiortc lets their tasks fail unheard.
        with contextlib.suppress(ConnectionError):
            await super()._send_chunk(chunk)


class SecureTransport:
    """One peer's DTLS association: SRTP keys for the data plane, data channels for the room.

    `on_message(label, data)` and `on_lost()` are called on the event loop.
    """

    def __init__(
        self,
        certificate: Certificate,
        send: Callable[[bytes], None],
        on_message: Callable[[str, bytes], None],
        on_lost: Callable[[], None],
        max_message: int,
    ) -> None:
        self._pipe = _Pipe(send)
        self._on_message, self._on_lost = on_message, on_lost
        self._max_message = max_message
        self._dtls = RTCDtlsTransport(self._pipe, [certificate.certificate])  # type: ignore[arg-type]
        # The answer says a=setup:active: the relay opens the handshake, which saves a round trip.
        self._dtls._set_role("client")
        self._sctp = _Sctp(self._dtls, SCTP_PORT)
        self._sctp.on_broken = self._lost
        self._channels: dict[str, RTCDataChannel] = {}
        self._openings = 0
        self._closed = False
        self._sctp.on("datachannel", self._channel_opened)
        self._dtls.on("statechange", self._state_changed)

    def feed(self, data: bytes) -> None:
        """Hands over one received DTLS datagram; dropped where the inbox is full."""
        self._pipe.feed(data)

    async def handshake(self, fingerprints: Sequence[tuple[str, str]]) -> SrtpSessions:
        """Raises DtlsFailed. `fingerprints`: (hash name, value) as the offer gave them."""
        expected = [RTCDtlsFingerprint(algorithm=name, value=value) for name, value in fingerprints]
        if not expected:
            raise DtlsFailed("the offer names no certificate")
        await self._dtls.start(RTCDtlsParameters(fingerprints=expected, role="server"))
        if self._dtls.state != "connected":
            raise DtlsFailed(f"DTLS {self._dtls.state}")
        receive: SrtpSession = self._dtls._rx_srtp
        send: SrtpSession = self._dtls._tx_srtp
        # libsrtp sessions are not thread-safe: from here on only their new owner may use them.
        self._dtls._rx_srtp = self._dtls._tx_srtp = None  # type: ignore[assignment]
        return SrtpSessions(receive, send)

    async def open_channels(self) -> None:
        """Starts SCTP; the peer opens the channels."""
        await self._sctp.start(RTCSctpCapabilities(maxMessageSize=self._max_message), SCTP_PORT)

    def backlog(self, label: str) -> int:
        """Bytes that wait in the channel, 0 where it is not open."""
        channel = self._channels.get(label)
        return int(channel.bufferedAmount) if channel else 0

    def send(self, label: str, data: bytes) -> bool:
        """Queues a message; False where the channel is not open or the message too long for the peer."""
        channel = self._channels.get(label)
        if channel is None or channel.readyState != "open" or len(data) > self._max_message:
            return False
        channel.send(data)
        return True

    async def close(self) -> None:
        """Says goodbye to the peer and ends both layers. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._dtls.remove_all_listeners()
        reader = self._dtls._task
        await self._sctp.stop()
        await self._dtls.stop()
        if reader is not None:
            await asyncio.gather(reader, return_exceptions=True)

    def _channel_opened(self, channel: RTCDataChannel) -> None:
        self._openings += 1
        if self._openings > MAX_OPENINGS:
            raise LimitExceeded("a peer opens channels without end")  # ends the association, in _Sctp
        if len(self._channels) >= MAX_CHANNELS and channel.label not in self._channels:
            channel.close()
            return
        label = channel.label
        self._channels[label] = channel

        def message(data: Any) -> None:
            if isinstance(data, bytes):
                self._on_message(label, data)

        channel.on("message", message)

    def _state_changed(self) -> None:
        if self._dtls.state in ("closed", "failed"):
            self._lost()

    def _lost(self) -> None:
        if not self._closed:
            self._on_lost()
