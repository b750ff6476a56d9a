"""The few Protocols and values at which the relay's parts, and whoever embeds it, meet."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

Address = tuple[str, int]

SEND_NOTHING = b""


class Clock(Protocol):
    """Where time comes from; tests hand in their own."""

    def monotonic(self) -> float:
        """Seconds that never step back."""

    def wall_ns(self) -> int:
        """Unix time in nanoseconds."""


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall_ns(self) -> int:
        return time.time_ns()


@dataclass(frozen=True)
class RelayLimits:
    """Every bound that a client or an API caller can run into, in one place."""

    participants: int = 200
    tracks: int = 12
    track_description: int = 4 * 1024
    rooms: int = 2_000
    videos: int = 25  # that one subscriber gets at once: speakers first, the others are paused
    sections: int = 280  # that one participant is asked to offer; the reader refuses more than 300
    pending_joins: int = 500  # sockets that wait for the portal's word
    join_rate: float = 0.5  # joins and resumes of one identity per second, long-term
    join_burst: int = 30
    name: int = 256
    metadata: int = 64 * 1024
    attributes: int = 64
    attributes_bytes: int = 64 * 1024
    token: int = 16 * 1024
    join_request: int = 256 * 1024
    signal_message: int = 1024 * 1024  # an offer of 300 sections
    signal_queue: int = 2_000
    signal_queue_bytes: int = 8 * 1024 * 1024
    signal_rate: float = 200.0  # messages per second, long-term
    signal_burst: int = 400
    signal_bytes_rate: float = 1024.0 * 1024
    signal_bytes_burst: int = 4 * 1024 * 1024
    update_rate: float = 10.0  # changes of one person that all the others are told, per second
    update_burst: int = 50
    revocations: int = 10_000
    data_message: int = 128 * 1024
    data_backlog: int = 4 * 1024 * 1024
    dtls_rate: float = 1_500.0  # datagrams per second, long-term: about 1.7 MB/s of data messages
    dtls_burst: int = 3_000
    ssrcs: int = 64
    voices: int = 8  # microphones of one room that are forwarded at once, the loudest
    addresses: int = 8
    tcp_connections: int = 400  # media over TCP, everybody's together
    tcp_strangers: int = 64  # of them without a valid check yet
    tcp_first_check: float = 10.0  # seconds
    tcp_backlog: int = 128 * 1024  # bytes that a client has not read
    webhook_queue: int = 10_000
    recorder_queue: int = 20_000
    handshake: float = 20.0  # seconds from the first answer to a connected transport
    first_offer: float = 60.0  # seconds from the join to the first offer
    consent: float = 30.0  # RFC 7675 §5.1: no check for 30 s ends the consent to send
    linger: float = 1.0  # seconds a client has to close its socket after a leave
    resume: float = 15.0  # seconds a participant outlives its socket
    recording_key: float = 10.0  # seconds the portal has to give one
    token_refresh: float = 120.0
    token_ttl: float = 600.0
    empty_timeout: int = 300
    departure_timeout: int = 20


@dataclass(frozen=True)
class Grants:
    """What a token allows (LiveKit's `video` grant)."""

    room_join: bool = False
    room: str = ""
    can_publish: bool = True
    can_subscribe: bool = True
    can_publish_data: bool = True
    can_publish_sources: tuple[str, ...] = ()
    can_update_own_metadata: bool = False
    hidden: bool = False
    room_create: bool = False
    room_list: bool = False
    room_admin: bool = False
    room_record: bool = False


@dataclass(frozen=True)
class JoinClaims:
    """Who asks to join which room, as the verified token says. `attributes` carries the role."""

    identity: str
    name: str
    room: str
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    grants: Grants = Grants()
    issued_at: int = 0


class Portal(Protocol):
    """What the relay asks of whoever embeds it."""

    async def admit(self, claims: JoinClaims) -> None:
        """Called at every connect and reconnect; raises `errors.Refused`."""

    async def recording_key(self, room: str, egress_id: str) -> bytes:
        """The 32 bytes under which one egress is encrypted."""


@dataclass(slots=True)
class RtpHeader:
    """The header fields a relay needs (RFC 3550 §5.1). `padding` is the number of trailing padding bytes."""

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload_offset: int
    padding: int
    extensions: dict[int, bytes]


class SrtpSession(Protocol):
    """`pylibsrtp.Session`."""

    def protect(self, packet: bytes) -> bytes: ...
    def unprotect(self, packet: bytes) -> bytes: ...
    def protect_rtcp(self, packet: bytes) -> bytes: ...
    def unprotect_rtcp(self, packet: bytes) -> bytes: ...
    def remove_stream(self, ssrc: int) -> None: ...


@dataclass(frozen=True)
class SrtpSessions:
    """Both directions' sessions; after `DataPlane.secure` the plane alone uses them."""

    receive: SrtpSession
    send: SrtpSession


class Identified(Protocol):
    """Someone in a room, as data routing sees them."""

    @property
    def identity(self) -> str: ...

    @property
    def sid(self) -> str: ...
