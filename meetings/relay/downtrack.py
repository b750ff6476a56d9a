"""One subscription: what its subscriber wants, may have, and is to be sent."""

import secrets
from collections.abc import Mapping, Sequence

from livekit.protocol.models import VideoQuality

from meetings.relay.layers import HIGH, LayerSize, choose_layer, quality_for
from meetings.relay.plane import SenderClock, SubscriptionReport, SubscriptionSettings
from meetings.relay.sdp import ABS_SEND_TIME, MID, TRANSPORT_CC, Codec
from meetings.relay.uptrack import Layer, UpTrack


class DownTrack:
    """What one subscriber gets of one up track. `number` is its name towards the data plane.

    The SSRCs are fresh for every subscription: one used again on a transport would repeat SRTP nonces.
    """

    def __init__(self, up: UpTrack, transport: int, number: int) -> None:
        self.up, self.number = up, number
        self._transport = transport
        self.ssrc, self.rtx_ssrc = secrets.randbits(30) << 1 | 1, secrets.randbits(30) << 1 | 1 << 31
        self.mid: str | None = None
        self.codec: Codec | None = None
        self.rtx: Codec | None = None
        self.red: Codec | None = None
        self.wanted, self.ceiling, self.disabled = HIGH, HIGH, False
        self.paused = self.surplus = False
        self.ready = False
        self.target: Layer | None = None
        self.report = SubscriptionReport()
        self._extensions: Mapping[str, int] = {}

    def assign(
        self,
        mid: str,
        codec: Codec,
        extensions: Mapping[str, int],
        *,
        rtx: Codec | None = None,
        red: Codec | None = None,
    ) -> None:
        """The section that carries this subscription, as negotiated."""
        self.mid, self.codec, self.rtx, self.red = mid, codec, rtx, red
        self._extensions = extensions

    def settings(self, *, disabled: bool, quality: int, width: int, height: int) -> None:
        """The subscriber's wish; a size in pixels counts more than a named quality."""
        sizes = [LayerSize(layer.quality, layer.width, layer.height) for layer in self.up.info.layers]
        by_size = quality_for(sizes, width, height) if width and height and sizes else quality
        self.disabled = disabled or quality == VideoQuality.OFF
        self.wanted = min(by_size, HIGH)

    @property
    def watched(self) -> bool:
        """Whether its subscriber wants to see it now."""
        return self.ready and not self.disabled

    @property
    def clocks(self) -> Sequence[SenderClock]:
        """The clock pairs of the layer that is forwarded, the last ones, oldest first."""
        ssrc = self.report.current_ssrc
        sent = (layer for layer in self.up.layers.values() if layer.ssrc == ssrc)
        layer = next(sent, self.target)
        return layer.clocks if layer is not None else ()

    def demand(self) -> int | None:
        """The best layer this subscription can use: what its publisher must send. None while it is not
        watched or one too many (`surplus`); one that is paused for want of bandwidth is to be back soon."""
        return None if self.surplus or not self.watched else self.wanted

    def choose(self, now: float) -> Layer | None:
        """The layer to forward of those that arrive, now `target`; None: nothing is to be sent."""
        if self.disabled or self.paused or not self.ready:
            self.target = None
            return None
        live = {layer.quality: layer for layer in self.up.live_layers(now)}
        if len(self.up.order) > 1:
            chosen = choose_layer(list(live), min(self.wanted, self.ceiling))
        else:
            chosen = next(iter(live), None)
        if chosen is not None:
            self.target = live[chosen]
        elif self.target is None:
            # Before the first report there is nothing to choose by; whatever comes first will do.
            self.target = next(iter(self.up.layers.values()), None)
        return self.target

    def declared(self) -> SubscriptionSettings:
        """What the data plane is to be told. `assign` was called."""
        if self.codec is None or self.mid is None:
            raise RuntimeError("a subscription without a section")
        extensions = self._extensions
        return SubscriptionSettings(
            number=self.number,
            transport=self._transport,
            track=self.up.number,
            ssrc=self.ssrc,
            payload_type=self.codec.payload_type,
            clock_rate=self.codec.clock_rate,
            red_payload_type=self.red.payload_type if self.red else None,
            mid_extension=extensions.get(MID),
            mid=self.mid.encode(),
            send_time_extension=extensions.get(ABS_SEND_TIME),
            congestion_extension=extensions.get(TRANSPORT_CC),
            rtx=(self.rtx_ssrc, self.rtx.payload_type) if self.rtx else None,
        )
