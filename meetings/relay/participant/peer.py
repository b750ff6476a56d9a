"""One participant's transport: ICE, DTLS, then RTCP in both directions."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from meetings.relay.errors import MalformedPacket, RelayError
from meetings.relay.interface import RtpHeader
from meetings.relay.participant.context import Context
from meetings.relay.plane import CongestionReport
from meetings.relay.rtcp import RtcpPacket, parse_rtcp
from meetings.relay.sdp import DataAnswer, MediaSection, SectionAnswer, write_answer
from meetings.relay.secure import SecureTransport
from meetings.relay.signalling import TokenBucket

log = logging.getLogger("visio.relay")


@dataclass(frozen=True)
class PeerEvents:
    """Where a transport reports to."""

    connected: Callable[[], None]
    lost: Callable[[str], None]
    message: Callable[[str, bytes], None]
    rtcp: Callable[[RtcpPacket, float], None]
    rtp_unknown: Callable[[RtpHeader], None]
    congestion: Callable[[CongestionReport], None]


class Peer:
    """Server side of a client's one peer connection; the client offers, the relay answers.

    `plane.TransportEvents`. `number` is its name towards the data plane.
    """

    def __init__(self, context: Context, events: PeerEvents, label: str) -> None:
        self.number = next(context.numbers)
        self._context, self._events, self._label = context, events, label
        self._plane = context.plane
        self._session_id, self._version = secrets.randbits(62), 0
        self._nominated = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ice = context.ice.agent(self.number, self._nominated.set)
        self._secure = SecureTransport(
            context.certificate,
            lambda data: self._plane.send_datagram(self.number, data),
            events.message,
            lambda: events.lost("DTLS ended"),
            context.limits.data_message,
        )
        limits = context.limits
        self._datagrams = TokenBucket(
            rate=limits.dtls_rate, burst=limits.dtls_burst, now=context.clock.monotonic()
        )
        self.connected = False
        self._plane.open(self.number, self)

    # Signalling

    def answer(self, first: MediaSection, sections: Sequence[SectionAnswer | DataAnswer]) -> str:
        """The answer's text; the first one starts the handshake, one with a new ufrag restarts ICE."""
        self._ice.offered(first.ice_ufrag)
        self._version += 1
        if self._task is None:
            self._task = asyncio.create_task(self._connect(first.fingerprints))
        return write_answer(
            session_id=self._session_id,
            version=self._version,
            ufrag=self._ice.ufrag,
            pwd=self._ice.password,
            fingerprint=self._context.certificate.fingerprint,
            candidates=self._context.ice.candidates(self._plane.port),
            sections=sections,
        )

    async def _connect(self, fingerprints: Sequence[tuple[str, str]]) -> None:
        try:
            async with asyncio.timeout(self._context.limits.handshake):
                await self._nominated.wait()
                self._plane.secure(self.number, await self._secure.handshake(fingerprints))
                await self._secure.open_channels()
        except TimeoutError:
            step = "DTLS handshake" if self._nominated.is_set() else "connectivity check"
            self._events.lost(f"no {step} within the time")
        except (RelayError, ConnectionError) as error:
            self._events.lost(str(error) or type(error).__name__)
        except Exception:
            # OpenSSL and the certificate reader have errors of their own for what a peer may send.
            log.exception("%s: the handshake broke off", self._label)
            self._events.lost("the handshake broke off")
        else:
            self.connected = True
            log.info("%s: transport connected", self._label)
            self._events.connected()

    @property
    def begun(self) -> bool:
        """True once an offer was answered."""
        return self._task is not None

    def consent_lost(self, now: float) -> bool:
        """True where a connected peer has not checked its path for so long that it must be gone."""
        heard = self._ice.heard_at
        return self.connected and heard is not None and now - heard > self._context.limits.consent

    # Data channels

    def send_message(self, label: str, data: bytes) -> bool:
        """False where the channel is closed or so backed up that its reader must be stuck."""
        full = self._secure.backlog(label) > self._context.limits.data_backlog
        if full or not self._secure.send(label, data):
            self._context.counters["data_undelivered"] += 1
            return False
        return True

    # plane.TransportEvents

    def dtls_received(self, data: bytes) -> None:
        if self._datagrams.take(self._context.clock.monotonic()):
            self._secure.feed(data)
        else:
            self._context.counters["dtls_flood_dropped"] += 1

    def rtcp_received(self, packet: bytes, now: float) -> None:
        try:
            parsed = parse_rtcp(packet)
        except MalformedPacket as error:
            self._context.counters["rtcp_malformed"] += 1
            log.debug("%s: RTCP dropped: %s", self._label, error)
            return
        for part in parsed:
            self._events.rtcp(part, now)

    def rtp_unknown(self, header: RtpHeader, packet: bytes, now: float) -> None:
        self._events.rtp_unknown(header)

    def congestion(self, report: CongestionReport) -> None:
        self._events.congestion(report)

    async def close(self) -> None:
        """Ends the transport; returns once nothing of it is in use."""
        self.connected = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self._secure.close()
        finally:
            self._ice.close()
            await self._plane.close(self.number)
