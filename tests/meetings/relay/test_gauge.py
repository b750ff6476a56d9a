"""A participant's figures from the plane's reports."""

from types import SimpleNamespace
from typing import Any

from livekit.protocol.models import TrackInfo

from meetings.relay.figures import Reception
from meetings.relay.participant.gauge import Gauge
from meetings.relay.plane import StreamReport, TransportReport
from meetings.relay.uptrack import UpTrack


def test_repeats_that_a_browser_probes_with_are_no_losses() -> None:
    """Regression: a third of the upload was told to be lost at the beginning of every call."""
    track = UpTrack(1, TrackInfo(sid="TR_1"), "camera", "ann", "PA_1")
    layer = track.add_layer("", 11)
    plane = SimpleNamespace(transport_report=lambda transport: TransportReport())
    context: Any = SimpleNamespace(plane=plane)
    publications: Any = [track]
    subscriptions: Any = SimpleNamespace(reception=Reception())
    gauge = Gauge(context, 1, publications, subscriptions)
    for second, report in enumerate(
        [
            StreamReport(packets=100),
            StreamReport(packets=240, repaired=40),  # 100 packets, and 40 of them again
            StreamReport(packets=340, repaired=45, lost=5),  # 95 of 100, and the others by RTX
        ]
    ):
        layer.report = report
        gauge.sample(float(second))
    first, *_, last = gauge._snapshots
    assert (last.expected_up - first.expected_up, last.lost_up - first.lost_up) == (200, 5)
