"""Whose video gets how much of a subscriber's path."""

from collections.abc import Sequence
from itertools import count

from livekit.protocol.models import TrackInfo, TrackSource, TrackType

from meetings.relay.downtrack import DownTrack
from meetings.relay.interface import RelayLimits
from meetings.relay.participant.bandwidth import Bandwidth
from meetings.relay.plane import NEVER, CongestionReport, StreamReport
from meetings.relay.uptrack import UpTrack

RATES = {"q": 150_000.0, "h": 500_000.0, "f": 1_700_000.0}
_numbers = count(1)


def video(publisher: str, source: TrackSource = TrackSource.CAMERA) -> DownTrack:
    """Somebody's video, of which all layers arrive; its subscriber wants the largest."""
    number = next(_numbers)
    info = TrackInfo(sid=f"TR_{number}", type=TrackType.VIDEO, source=source)
    up = UpTrack(number, info, f"c{number}", publisher, publisher, order=["q", "h", "f"])
    for ssrc, rid in enumerate(up.order):
        layer = up.add_layer(rid, ssrc)
        layer.bitrate, layer.report = RATES[rid], StreamReport(media_at=1e9)
    down = DownTrack(up, 1, number)
    down.ready = True
    return down


class Viewer:
    def __init__(self, downs: Sequence[DownTrack], *, videos: int = 25) -> None:
        self.spoke: dict[str, float] = {}
        self.downs = downs
        self.bandwidth = Bandwidth(RelayLimits(videos=videos), lambda sid: self.spoke.get(sid, NEVER))
        self.now = 0.0

    def feedback(self, seconds: float, *, growth: float = 0.0, octets: int = 30_000) -> None:
        """A tenth of a second each; `growth`: what packets take longer with each."""
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            arrival = round((0.1 + growth) * 1e6)
            self.bandwidth.congestion(CongestionReport(self.now, 30, 0, octets, 100_000, arrival))

    def share(self) -> dict[str, int | None]:
        """The quality that each publisher's video may have."""
        self.bandwidth.share(self.downs, self.now, estimate=None, loss=0.0)
        return {down.up.publisher: None if down.paused else down.ceiling for down in self.downs}


def short(viewer: Viewer, budget: float) -> dict[str, int | None]:
    """What is shared of so much."""
    viewer.feedback(1)
    viewer.bandwidth.path.bitrate = budget
    return viewer.share()


def test_a_queue_that_grows_makes_it_due_at_once() -> None:
    viewer = Viewer([video("ann")])
    viewer.feedback(2)
    assert viewer.share() == {"ann": 2}
    assert not viewer.bandwidth.due(viewer.now + 0.1)
    viewer.feedback(1, growth=0.05, octets=4_000)
    viewer.feedback(1.1, growth=0.05, octets=4_000)
    assert viewer.bandwidth.due(viewer.now)
    assert viewer.share() == {"ann": 0}


def test_the_screen_first_then_whoever_spoke_lately() -> None:
    ann, ben, screen = video("ann"), video("ben"), video("cem", TrackSource.SCREEN_SHARE)
    viewer = Viewer([ann, ben, screen])
    viewer.spoke["ben"] = -5.0
    assert short(viewer, 550_000) == {"ann": 0, "ben": 0, "cem": 0}
    assert short(viewer, 1_000_000) == {"ann": 0, "ben": 0, "cem": 1}
    assert short(viewer, 250_000) == {"ann": None, "ben": None, "cem": 0}
    assert short(viewer, 400_000) == {"ann": None, "ben": 0, "cem": 0}


def test_a_speaker_keeps_their_place_for_ten_seconds() -> None:
    viewer = Viewer([video("ann"), video("ben")])
    viewer.spoke["ben"] = 0.5
    assert short(viewer, 200_000) == {"ann": None, "ben": 0}
    viewer.spoke["ann"] = 1.5
    assert short(viewer, 200_000) == {"ann": 0, "ben": None}
    viewer.feedback(30)
    viewer.spoke.clear()
    assert short(viewer, 200_000) == {"ann": 0, "ben": None}


def test_in_a_big_room_whoever_spoke_last_is_shown_and_what_nobody_sees_is_not_asked_for() -> None:
    downs = [video(f"p{number}") for number in range(10)]
    viewer = Viewer(downs, videos=3)
    viewer.spoke |= {"p7": 3.0, "p2": 2.0}
    shown = {who for who, quality in viewer.share().items() if quality is not None}
    assert shown == {"p7", "p2", "p0"}
    assert {down.up.publisher for down in downs if down.demand() is not None} == shown
    viewer.spoke["p9"] = 4.0
    assert {who for who, quality in viewer.share().items() if quality is not None} == {"p9", "p7", "p2"}


def test_what_is_paused_for_want_of_bandwidth_is_still_asked_for() -> None:
    viewer = Viewer([video("ann")])
    assert short(viewer, 100_000) == {"ann": None}
    assert viewer.downs[0].demand() == 2


def test_a_client_that_wants_no_pause_keeps_the_smallest_layer() -> None:
    viewer = Viewer([video("ann")])
    viewer.bandwidth.may_pause = False
    assert short(viewer, 100_000) == {"ann": 0}


def test_voices_are_paid_first() -> None:
    number = next(_numbers)
    info = TrackInfo(sid=f"TR_{number}", type=TrackType.AUDIO)
    voice = DownTrack(UpTrack(number, info, "c", "ben", "ben"), 1, number)
    viewer = Viewer([video("ann"), voice])
    viewer.feedback(1)
    viewer.share()
    voice.report = type(voice.report)(octets=10_000)
    viewer.feedback(1)
    viewer.bandwidth.path.bitrate = 200_000
    assert viewer.share()["ann"] is None


def test_without_transport_wide_feedback_the_receivers_estimate_counts() -> None:
    viewer = Viewer([video("ann")])
    for estimate in (2_000_000, 300_000):
        viewer.now += 1
        viewer.downs[0].report = type(viewer.downs[0].report)(octets=round(viewer.now * 250_000))
        viewer.bandwidth.share(viewer.downs, viewer.now, estimate=estimate, loss=0.0)
    assert viewer.downs[0].ceiling == 0


def test_after_ten_seconds_with_everything_there_is_no_limit_any_more() -> None:
    viewer = Viewer([video("ann")])
    assert short(viewer, 5_000_000) == {"ann": 2}
    viewer.share()
    viewer.feedback(11)
    viewer.share()
    assert viewer.bandwidth.path.bitrate is None
