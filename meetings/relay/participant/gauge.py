"""One participant's figures, from the plane's reports and from their own."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from meetings.relay.downtrack import DownTrack
from meetings.relay.figures import Rates, Snapshot, rates
from meetings.relay.participant.context import Context
from meetings.relay.participant.publications import Publications
from meetings.relay.participant.subscriptions import Subscriptions
from meetings.relay.participant.wording import source_name
from meetings.relay.plane import StreamReport
from meetings.relay.uptrack import Layer, UpTrack

# Rates are those of the last three seconds: long enough for a report of each direction, short enough to act.
_SPAN: Final = 4
_NAMES: Final = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Figures:
    """What `Gauge.read` gives. Rates in bit/s, fractions from 0 to 1, times in milliseconds; None: unknown.

    `round_trip_by` is “rtcp” (media, by reception reports) or “signalling” (the client's own pings).
    `estimate_down`: what the path to them carries, where it is limited. `tracks`: what comes from them, layer
    by layer, the smallest first. `receives`: how many voices and videos go to them, videos by layer
    (“single” without layers); `paused` for want of bandwidth, `left_out` being one too many.
    """

    rates: Rates
    round_trip_ms: float | None
    round_trip_by: str | None
    jitter_up_ms: float | None
    jitter_down_ms: float | None
    estimate_down: float | None
    tracks: list[dict[str, Any]]
    receives: dict[str, Any]


class Gauge:
    """Takes a snapshot every second; tells what they amount to when asked."""

    def __init__(
        self, context: Context, transport: int, publications: Publications, subscriptions: Subscriptions
    ) -> None:
        self._context, self._transport = context, transport
        self._publications, self._subscriptions = publications, subscriptions
        self._snapshots: deque[Snapshot] = deque(maxlen=_SPAN)
        self._expected = self._lost = 0
        self._before: dict[int, StreamReport] = {}
        self.signalling_ms = 0

    def sample(self, now: float) -> None:
        """To be called once a second, with fresh stream reports."""
        self._count_arrivals()
        transport = self._context.plane.transport_report(self._transport)
        if transport is None:
            return
        reception = self._subscriptions.reception
        self._snapshots.append(
            Snapshot(
                at=now,
                octets_up=transport.received_octets,
                octets_down=transport.sent_octets,
                expected_up=self._expected,
                lost_up=self._lost,
                expected_down=reception.expected,
                lost_down=reception.lost,
            )
        )

    def _count_arrivals(self) -> None:
        """Adds up over streams that come and go."""
        reports = {layer.ssrc: layer.report for layer in self._layers()}
        for ssrc, report in reports.items():
            before = self._before.get(ssrc, StreamReport())
            missing = max(0, report.lost - before.lost)
            first = report.packets - report.repaired - (before.packets - before.repaired)
            self._expected += max(0, first + missing)
            self._lost += missing
        self._before = reports

    def _layers(self) -> Iterator[Layer]:
        for track in self._publications:
            yield from track.layers.values()

    def read(self, now: float) -> Figures:
        reception = self._subscriptions.reception
        live = [layer.report.jitter for layer in self._layers() if layer.live(now)]
        trip = _milliseconds(reception.round_trip(now))
        return Figures(
            rates=rates(self._snapshots[0], self._snapshots[-1]) if self._snapshots else Rates(),
            round_trip_ms=self.signalling_ms or None if trip is None else trip,
            round_trip_by="rtcp" if trip is not None else "signalling" if self.signalling_ms else None,
            jitter_up_ms=_milliseconds(max(live, default=None)),
            jitter_down_ms=_milliseconds(reception.jitter(now)),
            estimate_down=self._subscriptions.bandwidth.path.bitrate,
            tracks=[_track(track, now) for track in self._publications if track.announced],
            receives=_receives(tuple(self._subscriptions)),
        )


def _track(track: UpTrack, now: float) -> dict[str, Any]:
    layers = [track.layers[rid] for rid in track.order if rid in track.layers]
    return {
        "sid": track.info.sid,
        "kind": track.kind,
        "source": source_name(track.info.source),
        "codec": track.codec_name,
        "muted": track.muted,
        "layers": [
            {
                "quality": layer.quality,
                "live": layer.live(now),
                "bitrate": round(layer.bitrate) if layer.live(now) else 0,
                "keyframes": layer.report.keyframes,
                "nacks_sent": layer.report.nacks_sent,
                "repaired": layer.report.repaired,
            }
            for layer in layers
        ],
    }


def _receives(downs: tuple[DownTrack, ...]) -> dict[str, Any]:
    videos = [down for down in downs if down.up.is_video and down.watched]
    sent = [down for down in videos if not down.paused]
    return {
        "voices": sum(not down.up.is_video and down.watched for down in downs),
        "videos": Counter(_layer_name(down) for down in sent),
        "paused": sum(down.paused and not down.surplus for down in videos),
        "left_out": sum(down.paused and down.surplus for down in videos),
        "waiting_for_keyframe": sum(down.report.waiting_for_keyframe for down in sent),
        "nacked": sum(down.report.nacked for down in downs),
        "retransmitted": sum(down.report.retransmitted for down in downs),
    }


def _layer_name(down: DownTrack) -> str:
    """Of the layer that is forwarded now, which may still be the one before the target."""
    if len(down.up.order) < 2:
        return "single"
    sent = (layer for layer in down.up.layers.values() if layer.ssrc == down.report.current_ssrc)
    layer = next(sent, down.target)
    return "none" if layer is None else _NAMES[min(layer.quality, len(_NAMES) - 1)]


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
