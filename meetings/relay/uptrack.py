"""What a participant publishes: one track, its simulcast layers, and how they arrive."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from livekit.protocol.models import TrackInfo, TrackType

from meetings.relay.interface import RtpHeader
from meetings.relay.rtcp import NackGenerator, ReceptionStatistics
from meetings.relay.rtp import is_padding_only
from meetings.relay.sdp import Codec

# A keyframe costs ten deltas: asking again sooner than one can arrive only multiplies it.
PLI_INTERVAL: Final = 0.5
# Simulcast layers arrive at 15 to 30 frames a second; a silent second means the layer was switched off.
LIVE_FOR: Final = 1.0


@dataclass(frozen=True, slots=True)
class SenderClock:
    """A sender report's clock pair and when it came (monotonic seconds)."""

    ntp: int
    rtp_timestamp: int
    at: float


class Layer:
    """One received SSRC: a whole track, or one simulcast encoding of it (`rid`)."""

    def __init__(self, track: "UpTrack", rid: str, ssrc: int) -> None:
        self.up, self.rid, self.ssrc = track, rid, ssrc
        self.clock_rate = track.clock_rate
        self.statistics = ReceptionStatistics(track.clock_rate)
        self.nacks = NackGenerator()
        self.sender_clock: SenderClock | None = None
        self.packets = self.octets = 0
        self.bitrate = 0.0
        self._octets_before = 0
        self._media_at = float("-inf")
        self._asked_at = float("-inf")
        self._keyframe_due = False

    @property
    def track(self) -> int:
        return self.up.number

    def live(self, now: float) -> bool:
        """True while media, not only probes, arrives."""
        return now - self._media_at < LIVE_FOR

    def received(self, header: RtpHeader, packet: bytes, now: float) -> bool:
        """Accounts for a packet; False for a padding-only probe (relay.md, trap 2)."""
        self.packets += 1
        self.octets += len(packet)
        self.statistics.add(header.sequence, header.timestamp, now)
        if self.up.is_video:
            self.nacks.add(header.sequence, now)
        # A muted track is silent whatever its publisher's client does.
        if header.payload_type != self.up.payload_type or self.up.muted or is_padding_only(packet, header):
            return False
        self._media_at = now
        self.up.arrived(header, now)
        return True

    def sender_report(self, ntp: int, rtp_timestamp: int, now: float) -> None:
        self.statistics.sender_report_seen(ntp, now)
        self.sender_clock = SenderClock(ntp, rtp_timestamp, now)

    def measure(self, elapsed: float) -> None:
        """Brings `bitrate` (bit/s) up to date; `elapsed` seconds since the last call."""
        rate = (self.octets - self._octets_before) * 8 / elapsed
        self._octets_before = self.octets
        self.bitrate = rate if not self.bitrate else 0.6 * self.bitrate + 0.4 * rate

    def request_keyframe(self) -> None:
        """Notes that a keyframe is needed; `keyframe_due` says when to ask."""
        self._keyframe_due = True

    def keyframe_due(self, now: float) -> bool:
        """True at most once per PLI_INTERVAL while a keyframe is wanted; the caller then asks for one."""
        if self.nacks.needs_keyframe:
            self.nacks.needs_keyframe = False
            self._keyframe_due = True
        if not self._keyframe_due or now - self._asked_at < PLI_INTERVAL:
            return False
        self._keyframe_due = False
        self._asked_at = now
        return True


@dataclass(eq=False)
class UpTrack:
    """A published track. `number` is its name towards the data plane, `info.sid` towards clients.

    `order` lists the rids from the smallest picture to the largest; [""] without simulcast.
    """

    number: int
    info: TrackInfo
    client_id: str
    publisher: str
    publisher_sid: str
    publisher_name: str = ""
    codec: Codec | None = None
    mid: str | None = None
    order: list[str] = field(default_factory=lambda: [""])
    layers: dict[str, Layer] = field(default_factory=dict)
    announced: bool = False
    muted: bool = False
    level_extension: int | None = None
    on_level: Callable[[int, float], None] | None = None
    cap: int | None = None  # the highest layer anybody watches, as last told to the publisher

    @property
    def is_video(self) -> bool:
        return self.info.type == TrackType.VIDEO

    @property
    def kind(self) -> str:
        return "video" if self.is_video else "audio"

    @property
    def clock_rate(self) -> int:
        return self.codec.clock_rate if self.codec else 90_000

    @property
    def payload_type(self) -> int:
        return self.codec.payload_type if self.codec else -1

    @property
    def codec_name(self) -> str:
        return self.codec.name.upper() if self.codec else ""

    def mute(self, muted: bool) -> None:
        """Takes note in `info`, too; a picture that comes back begins with a keyframe."""
        self.muted = self.info.muted = muted
        if not muted:
            for layer in self.layers.values():
                layer.request_keyframe()

    def add_layer(self, rid: str, ssrc: int) -> Layer:
        """A new SSRC for `rid`; one that was there before ends (RFC 8853: rids outlive SSRCs)."""
        layer = self.layers[rid] = Layer(self, rid, ssrc)
        if rid not in self.order:
            self.order.append(rid)
        return layer

    def live_layers(self, now: float) -> list[Layer]:
        """Layers that carry media now, smallest picture first."""
        return [self.layers[rid] for rid in self.order if rid in self.layers and self.layers[rid].live(now)]

    def arrived(self, header: RtpHeader, now: float) -> None:
        """Reads the audio level (RFC 6464: -dBov, 0 loudest to 127 silence) off a packet."""
        if self.on_level is not None and self.level_extension is not None:
            level = header.extensions.get(self.level_extension)
            if level:
                self.on_level(level[0] & 0x7F, now)
