"""What a participant publishes: one track, its simulcast layers, and how they arrive."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from livekit.protocol.models import TrackInfo, TrackType

from meetings.relay.plane import SenderClock, StreamReport
from meetings.relay.sdp import Codec

# Simulcast layers arrive at 15 to 30 frames a second; a silent second means the layer was switched off.
LIVE_FOR: Final = 1.0
# Publishers report about once a second; a subscriber's answer is some seconds old at most.
_CLOCKS: Final = 16


class Layer:
    """One received SSRC: a whole track, or one simulcast encoding of it (`rid`).

    `report` is how it arrived when the plane was last asked, `bitrate` what it carries in bit/s.
    """

    def __init__(self, track: "UpTrack", rid: str, ssrc: int) -> None:
        self.up, self.rid, self.ssrc = track, rid, ssrc
        self.report = StreamReport()
        self.bitrate = 0.0
        self.clocks: deque[SenderClock] = deque(maxlen=_CLOCKS)
        self._octets_before = 0

    @property
    def clock_rate(self) -> int:
        return self.up.clock_rate

    @property
    def sender_clock(self) -> SenderClock | None:
        """The pair that came last; `clocks` has those before it, too."""
        return self.clocks[-1] if self.clocks else None

    @property
    def quality(self) -> int:
        """0 for the smallest picture of its track."""
        return self.up.order.index(self.rid)

    def live(self, now: float) -> bool:
        """True while media, not only probes, arrives."""
        return now - self.report.media_at < LIVE_FOR

    def sender_report(self, ntp: int, rtp_timestamp: int, now: float) -> None:
        """Its publisher sent one; the plane keeps its own note of it."""
        self.clocks.append(SenderClock(ntp, rtp_timestamp, now))

    def measure(self, elapsed: float) -> None:
        """Brings `bitrate` up to date; `elapsed` seconds since the last call."""
        rate = max(0, self.report.octets - self._octets_before) * 8 / elapsed
        self._octets_before = self.report.octets
        self.bitrate = rate if not self.bitrate else 0.6 * self.bitrate + 0.4 * rate


@dataclass(eq=False)
class UpTrack:
    """A published track. `number` is its name towards the data plane, as `transport` is its publisher's;
    `info.sid` is its name towards clients.

    `order` lists the rids from the smallest picture to the largest; [""] without simulcast.
    """

    number: int
    info: TrackInfo
    client_id: str
    publisher: str
    publisher_sid: str
    publisher_name: str = ""
    transport: int = 0
    codec: Codec | None = None
    mid: str | None = None
    order: list[str] = field(default_factory=lambda: [""])
    layers: dict[str, Layer] = field(default_factory=dict)
    announced: bool = False
    muted: bool = False
    level_extension: int | None = None
    red: Codec | None = None
    rtx: Codec | None = None
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
    def payload_types(self) -> set[int]:
        """Those that carry media: the codec's and its redundant form's."""
        return {codec.payload_type for codec in (self.codec, self.red) if codec is not None}

    @property
    def codec_name(self) -> str:
        return self.codec.name.upper() if self.codec else ""

    def mute(self, muted: bool) -> None:
        """Takes note, in `info`, too."""
        self.muted = self.info.muted = muted

    def add_layer(self, rid: str, ssrc: int) -> Layer:
        """A new SSRC for `rid`; one that was there before ends (RFC 8853: rids outlive SSRCs)."""
        layer = self.layers[rid] = Layer(self, rid, ssrc)
        if rid not in self.order:
            self.order.append(rid)
        return layer

    def live_layers(self, now: float) -> list[Layer]:
        """Layers that carry media now, smallest picture first."""
        return [self.layers[rid] for rid in self.order if rid in self.layers and self.layers[rid].live(now)]
