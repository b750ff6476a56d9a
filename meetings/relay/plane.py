"""What the relay's control side declares to a data plane, and what it reads back.

A plane owns the UDP sockets, after DTLS the SRTP sessions, the whole packet path and all RTCP that goes by
time. The control side says what is published, who gets what of it, and reads reports. Transports, tracks and
subscriptions are named by numbers that the caller chooses and never uses twice; unknown ones are ignored.
Times are monotonic seconds of the plane's clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from meetings.relay.interface import Address, RtpHeader, SrtpSessions

NEVER = float("-inf")
SILENCE = 127  # -dBov, RFC 6464


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """One received SSRC: a whole track, or one simulcast layer of it.

    `quality` counts layers from 0, the smallest. `codec` is its name in upper case. `level_extension` is the
    RFC 6464 header extension. `voices`: the group in which only the loudest are forwarded; 0: always.
    """

    transport: int
    ssrc: int
    track: int
    quality: int
    codec: str
    payload_type: int
    clock_rate: int
    red_payload_type: int | None = None
    level_extension: int | None = None
    voices: int = 0


@dataclass(frozen=True, slots=True)
class SubscriptionSettings:
    """What one subscriber is to get of one track; which of its streams, `DataPlane.steer` says.

    Extensions are the subscriber's numbers: `mid`, abs-send-time and the transport-wide sequence number.
    `rtx` is (SSRC, payload type), RFC 4588. Both SSRCs must be fresh on this transport: one used again would
    repeat AES-GCM's nonces.
    """

    number: int
    transport: int
    track: int
    ssrc: int
    payload_type: int
    clock_rate: int
    red_payload_type: int | None = None
    mid_extension: int | None = None
    mid: bytes = b""
    send_time_extension: int | None = None
    congestion_extension: int | None = None
    rtx: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class SenderClock:
    """A sender report's clock pair (RFC 3550 §6.4.1) and when it came."""

    ntp: int
    rtp_timestamp: int
    at: float


@dataclass(frozen=True, slots=True)
class StreamReport:
    """How a stream arrives. `media_at`: the last packet that was media and no probe; `fraction_lost` 0 to 1
    over the last reception report; `jitter` in seconds; `level`: the loudest -dBov of the last tenth of a
    second, and when; `audible`: among the loudest, or in no group; `repaired`: packets that came by RTX,
    needed or not, among `packets` but not in `octets`; what they repair stays among the `lost`."""

    packets: int = 0
    octets: int = 0
    lost: int = 0
    repaired: int = 0
    nacks_sent: int = 0
    keyframes: int = 0
    fraction_lost: float = 0.0
    jitter: float = 0.0
    media_at: float = NEVER
    level: int = SILENCE
    level_at: float = NEVER
    audible: bool = True
    sender_clock: SenderClock | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionReport:
    """What was sent. `current_ssrc`: the stream that is forwarded now; `nacked`: packets asked for again."""

    current_ssrc: int | None = None
    packets: int = 0
    octets: int = 0
    switches: int = 0
    nacked: int = 0
    retransmitted: int = 0
    waiting_for_keyframe: bool = False


@dataclass(frozen=True, slots=True)
class TransportReport:
    """RTP packets of one peer, both directions, repeats and probes with them; octets are unprotected."""

    sent_packets: int = 0
    sent_octets: int = 0
    received_packets: int = 0
    received_octets: int = 0
    send_dropped: int = 0


@dataclass(frozen=True, slots=True)
class CongestionReport:
    """The digest of one transport-wide feedback packet (draft-holmer-rmcat-transport-wide-cc-extensions-01).

    Both spans (µs) run from the last packet acknowledged before to the last acknowledged now: by what
    arriving took longer than sending, the queue on the path has grown. `octets`: acknowledged, unprotected.
    """

    at: float
    received: int
    lost: int
    octets: int
    sent_span_us: int
    arrival_span_us: int


class PacketTap(Protocol):
    """Takes every media packet of a track, heard by others or not: the recorder. Must not raise."""

    def packet(self, ssrc: int, header: RtpHeader, packet: bytes, now: float) -> None: ...


class TransportEvents(Protocol):
    """What a plane tells about one transport. Called on the event loop."""

    def dtls_received(self, data: bytes) -> None: ...

    def rtcp_received(self, packet: bytes, now: float) -> None:
        """A compound that holds more than the plane's own business: NACK, PLI, FIR, TWCC feedback."""

    def rtp_unknown(self, header: RtpHeader, packet: bytes, now: float) -> None:
        """First packets of an SSRC nobody added; adding it soon saves them."""

    def congestion(self, report: CongestionReport) -> None: ...


class DataPlane(Protocol):
    """Both planes' shape. Every method returns at once and belongs to the event loop."""

    @property
    def name(self) -> str:
        """ "native" or "portable"."""

    @property
    def port(self) -> int: ...

    async def start(self) -> None:
        """Binds the sockets; raises OSError where the port is taken."""

    async def stop(self) -> None: ...

    # Transports

    def open(self, transport: int, events: TransportEvents) -> None: ...

    async def close(self, transport: int) -> None:
        """Returns once nothing of the transport is in use any more; streams and subscriptions go with it."""

    def bind(self, transport: int, address: Address, *, preferred: bool, local: str = "") -> bool:
        """Accept packets from `address`; `preferred`: and send there from now on, from our address `local`.
        To be called again at every check; False where the address is another transport's, or where there are
        too many. `local` is the address that the check was sent to (RFC 8445 §7.3: a response, and all that
        follows on the pair, comes from there); empty: whichever the system chooses."""

    def send_datagram(self, transport: int, data: bytes) -> None:
        """Sends DTLS as it is; nothing where no address is known yet."""

    def secure(self, transport: int, sessions: SrtpSessions) -> None:
        """From now on the plane alone uses the sessions. RTP that came before is kept for this moment."""

    def watch_congestion(self, transport: int, extension: int) -> None:
        """Give the peer feedback on transport-wide numbers found in header extension `extension`."""

    def send_rtcp(self, transport: int, packet: bytes) -> None: ...

    def probe(self, transport: int, bitrate: float, seconds: float) -> None:
        """Tries the path upward with repeats under RTX (bit/s); nothing where there is none."""

    # What is published

    def add_stream(self, settings: StreamSettings) -> None: ...

    def add_repair(self, transport: int, rtx_ssrc: int, ssrc: int, payload_type: int) -> None:
        """What comes as `rtx_ssrc` repeats lost packets of `ssrc` (RFC 4588)."""

    def remove_stream(self, transport: int, ssrc: int) -> None: ...

    def mute(self, track: int, muted: bool) -> None:
        """A muted track is silent whatever its publisher's client does."""

    def request_keyframe(self, transport: int, ssrc: int) -> None:
        """Soon, and at most twice a second; the plane asks by itself for subscribers that wait for one."""

    def tap(self, track: int, tap: PacketTap) -> None: ...

    def untap(self, track: int, tap: PacketTap) -> None: ...

    # What is received

    def subscribe(self, settings: SubscriptionSettings) -> None:
        """Nothing is sent before `steer`."""

    def steer(self, number: int, ssrc: int | None) -> None:
        """The stream to forward from its next keyframe on, the one before until then; None pauses."""

    def unsubscribe(self, number: int) -> None: ...

    # Reports; a plane's own thread may be a tenth of a second ahead of them

    def stream_report(self, transport: int, ssrc: int) -> StreamReport | None: ...

    def subscription_report(self, number: int) -> SubscriptionReport | None: ...

    def transport_report(self, transport: int) -> TransportReport | None: ...

    def counters(self) -> Mapping[str, int]:
        """What was forwarded, and what was dropped and why, since the start."""

    def sizes(self) -> Mapping[str, int]:
        """How many transports, addresses, streams and subscriptions there are now."""
