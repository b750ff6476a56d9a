"""What one participant publishes: from AddTrack to received SSRCs."""

import logging
import secrets
from collections.abc import Callable, Iterator

from livekit.protocol.models import SimulcastCodecInfo, TrackInfo, TrackSource, TrackType
from livekit.protocol.rtc import AddTrackRequest

from meetings.relay.errors import LimitExceeded
from meetings.relay.interface import RtpHeader
from meetings.relay.participant.context import Context
from meetings.relay.plane import NEVER, StreamSettings
from meetings.relay.sdp import AUDIO_LEVEL, MID, REPAIRED_RID, RID, TRANSPORT_CC, Codec, MediaSection
from meetings.relay.uptrack import Layer, UpTrack

log = logging.getLogger("visio.relay")

_SCREEN = (TrackSource.SCREEN_SHARE, TrackSource.SCREEN_SHARE_AUDIO)
# The order of LiveKit's simulcast rids; a client may list them in any order.
_RIDS = {"q": 0, "h": 1, "f": 2}
_VIDEO_CODECS = ("VP8", "H264", "VP9", "AV1")


class Publications:
    """The tracks of one publisher, by sid, section and SSRC.

    `on_published` and `on_unpublished` tell of tracks that others can see. `voices` is the number of the
    room's microphones towards the plane.
    """

    def __init__(
        self,
        context: Context,
        transport: int,
        *,
        voices: int,
        on_published: Callable[[UpTrack], None],
        on_unpublished: Callable[[UpTrack], None],
    ) -> None:
        self._context, self._transport, self._voices = context, transport, voices
        self._on_published, self._on_unpublished = on_published, on_unpublished
        self._by_sid: dict[str, UpTrack] = {}
        self._by_mid: dict[str, UpTrack] = {}
        self._layers: dict[int, Layer] = {}
        self._extensions: dict[str, int] = {}
        self._heard_at: dict[int, float] = {}

    def __iter__(self) -> Iterator[UpTrack]:
        return iter(tuple(self._by_sid.values()))

    def get(self, sid: str) -> UpTrack | None:
        return self._by_sid.get(sid)

    def layer(self, ssrc: int) -> Layer | None:
        return self._layers.get(ssrc)

    # From signalling

    def add(self, request: AddTrackRequest, *, identity: str, sid: str, name: str) -> UpTrack:
        """A track announced by its client; asked again, the same one. Raises LimitExceeded."""
        for track in self._by_sid.values():
            if track.client_id == request.cid:
                return track
        limits = self._context.limits
        if len(self._by_sid) >= limits.tracks:
            raise LimitExceeded(f"more than {limits.tracks} tracks")
        if request.ByteSize() > limits.track_description or len(request.layers) > 3:
            raise LimitExceeded("an overlong track description")
        info = _track_info(request)
        track = UpTrack(
            next(self._context.numbers),
            info,
            request.cid,
            identity,
            sid,
            name,
            transport=self._transport,
            muted=info.muted,
        )
        self._by_sid[info.sid] = track
        return track

    def bind(self, section: MediaSection) -> UpTrack | None:
        """The track that a sending section of an offer carries, now bound to it; None where there is none."""
        bound = self._by_mid.get(section.mid)
        track = self._match(section, bound)
        if track is None:
            return None
        if track is not bound:
            if bound is not None:
                self.remove(bound)
            if not self._assign(track, section):
                return None
        self._extensions.update(section.extensions)
        if TRANSPORT_CC in section.extensions:
            self._context.plane.watch_congestion(self._transport, section.extensions[TRANSPORT_CC])
        if not section.rids and section.ssrcs and section.ssrcs[0] not in self._layers:
            self._add_layer(track, "", section.ssrcs[0])
        self._add_named_repairs(track, section)
        if not track.announced:
            track.announced = True
            self._on_published(track)
        return track

    def unbind(self, mid: str) -> None:
        """The section sends no more: its track ends."""
        track = self._by_mid.get(mid)
        if track is not None:
            self.remove(track)

    def remove(self, track: UpTrack) -> None:
        """Ends a track; unknown ones are ignored."""
        if self._by_sid.pop(track.info.sid, None) is None:
            return
        if track.mid is not None:
            self._by_mid.pop(track.mid, None)
        for ssrc in [ssrc for ssrc, layer in self._layers.items() if layer.up is track]:
            del self._layers[ssrc]
            self._context.plane.remove_stream(self._transport, ssrc)
            self._heard_at.pop(ssrc, None)
        self._context.plane.mute(track.number, False)
        if track.announced:
            track.announced = False
            self._on_unpublished(track)

    def _match(self, section: MediaSection, bound: UpTrack | None) -> UpTrack | None:
        """By the track id in the msid; a reused sender keeps its old one, then the only candidate it is."""
        client_id = section.msid.split()[-1] if section.msid else ""
        free = [track for track in self._by_sid.values() if track.mid is None and track.kind == section.kind]
        named = next((track for track in free if track.client_id == client_id), None)
        if named is not None or bound is not None:
            return named or bound
        if len(free) == 1:
            return free[0]
        log.warning("no announced track for section %s (%d waiting)", section.mid, len(free))
        return None

    def _assign(self, track: UpTrack, section: MediaSection) -> bool:
        codec = _choose_codec(track, section)
        if codec is None:
            log.warning("track %s: no codec of section %s can be forwarded", track.info.sid, section.mid)
            return False
        track.codec, track.mid = codec, section.mid
        track.info.mid, track.info.mime_type = section.mid, codec.mime(section.kind)
        for described in track.info.codecs[:1]:
            described.mime_type, described.mid = track.info.mime_type, section.mid
        known = all(rid in _RIDS for rid in section.rids)
        track.order = sorted(section.rids, key=_RIDS.__getitem__) if known else list(section.rids)
        track.order = track.order or [""]
        track.info.simulcast = len(track.order) > 1
        track.level_extension = section.extensions.get(AUDIO_LEVEL)
        track.rtx = section.find_rtx(codec)
        track.red = _choose_red(track, section)
        self._by_mid[section.mid] = track
        return True

    # From the wire

    def unknown_ssrc(self, header: RtpHeader) -> None:
        """Finds the track of a new SSRC by its mid and rid extensions (RFC 8843 §9.2, RFC 8852)."""
        track = self._by_mid.get(self._extension(header, MID))
        if track is None or len(self._layers) >= self._context.limits.ssrcs:
            return
        rid, repaired = self._extension(header, RID), self._extension(header, REPAIRED_RID)
        if track.rtx is not None and header.payload_type == track.rtx.payload_type:
            layer = track.layers.get(repaired)
            if layer is not None:
                self._add_repair(track, header.ssrc, layer)
        elif header.payload_type in track.payload_types and rid in track.order:
            self._add_layer(track, rid, header.ssrc)

    def _extension(self, header: RtpHeader, uri: str) -> str:
        identifier = self._extensions.get(uri)
        value = header.extensions.get(identifier, b"") if identifier is not None else b""
        return value.decode("ascii", "replace")

    def _add_layer(self, track: UpTrack, rid: str, ssrc: int) -> None:
        if track.codec is None:
            return
        old = track.layers.get(rid)
        if old is not None:
            self._layers.pop(old.ssrc, None)
            self._context.plane.remove_stream(self._transport, old.ssrc)
        layer = self._layers[ssrc] = track.add_layer(rid, ssrc)
        ranked = track.level_extension is not None and track.info.source != TrackSource.SCREEN_SHARE_AUDIO
        self._context.plane.add_stream(
            StreamSettings(
                transport=self._transport,
                ssrc=ssrc,
                track=track.number,
                quality=layer.quality,
                codec=track.codec_name,
                payload_type=track.codec.payload_type,
                clock_rate=track.clock_rate,
                red_payload_type=track.red.payload_type if track.red else None,
                level_extension=track.level_extension,
                voices=self._voices if ranked and not track.is_video else 0,
            )
        )
        if track.muted:
            self._context.plane.mute(track.number, True)

    def _add_named_repairs(self, track: UpTrack, section: MediaSection) -> None:
        """RTX streams that the offer itself names (RFC 5576 FID groups)."""
        for ssrc, rtx_ssrc in section.retransmissions.items():
            layer = self._layers.get(ssrc)
            if layer is not None and layer.up is track:
                self._add_repair(track, rtx_ssrc, layer)

    def _add_repair(self, track: UpTrack, rtx_ssrc: int, layer: Layer) -> None:
        if track.rtx is not None:
            self._context.plane.add_repair(self._transport, rtx_ssrc, layer.ssrc, track.rtx.payload_type)

    # From the plane

    @property
    def alive(self) -> bool:
        """True while anything is received."""
        return bool(self._layers)

    def refresh(self) -> None:
        """Brings the layers' reports up to date."""
        for ssrc, layer in self._layers.items():
            report = self._context.plane.stream_report(self._transport, ssrc)
            if report is not None:
                layer.report = report

    def heard(self) -> Iterator[tuple[int, float]]:
        """How loud (-dBov) the microphones were, and when, since the last call."""
        for ssrc, layer in self._layers.items():
            if layer.up.is_video or layer.up.muted:
                continue
            if layer.report.level_at > self._heard_at.get(ssrc, NEVER):
                self._heard_at[ssrc] = layer.report.level_at
                yield layer.report.level, layer.report.level_at

    def mute(self, track: UpTrack, muted: bool) -> None:
        """A picture that comes back begins with a keyframe."""
        track.mute(muted)
        self._context.plane.mute(track.number, muted)
        if not muted:
            for layer in track.layers.values():
                self.request_keyframe(layer)

    def request_keyframe(self, layer: Layer) -> None:
        self._context.plane.request_keyframe(self._transport, layer.ssrc)

    @property
    def loss(self) -> float:
        """The worst lost fraction of what arrives, 0 to 1."""
        return max((layer.report.fraction_lost for layer in self._layers.values()), default=0.0)

    def measure(self, elapsed: float) -> None:
        for layer in self._layers.values():
            layer.measure(elapsed)


def _track_info(request: AddTrackRequest) -> TrackInfo:
    info = TrackInfo(
        sid=f"TR_{secrets.token_hex(6)}",
        type=request.type,
        name=request.name,
        muted=request.muted,
        width=request.width,
        height=request.height,
        simulcast=len(request.layers) > 1,
        source=request.source,
        layers=request.layers,
        stereo=request.stereo,
        disable_dtx=request.disable_dtx,
        disable_red=request.disable_red,
        stream=request.stream or ("screen" if request.source in _SCREEN else "camera"),
        encryption=request.encryption,
        audio_features=request.audio_features,
    )
    for wanted in request.simulcast_codecs[:1]:
        name = wanted.codec or ("vp8" if request.type == TrackType.VIDEO else "opus")
        kind = "video" if request.type == TrackType.VIDEO else "audio"
        info.codecs.append(
            SimulcastCodecInfo(
                mime_type=f"{kind}/{name}",
                cid=wanted.cid or request.cid,
                layers=wanted.layers or request.layers,
            )
        )
    return info


def _choose_codec(track: UpTrack, section: MediaSection) -> Codec | None:
    """What the client announced, else the first that every browser can play."""
    if section.kind == "audio":
        return section.find_codec("opus")
    announced = [codec.mime_type.rpartition("/")[2] for codec in track.info.codecs]
    found = (section.find_codec(name) for name in (*announced, *_VIDEO_CODECS))
    return next((codec for codec in found if codec is not None), None)


def _choose_red(track: UpTrack, section: MediaSection) -> Codec | None:
    """Redundant Opus (RFC 2198), where the client offers it and did not ask to do without."""
    if track.is_video or track.info.disable_red or track.codec is None:
        return None
    red = section.find_codec("red")
    wraps = red is not None and str(track.codec.payload_type) in red.fmtp.split("/")
    return red if wraps else None
