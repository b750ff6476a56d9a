"""What a subscriber wants and is to be given."""

import pytest
from livekit.protocol.models import TrackInfo, TrackType, VideoLayer

from meetings.relay.downtrack import DownTrack
from meetings.relay.plane import StreamReport
from meetings.relay.sdp import ABS_SEND_TIME, MID, TRANSPORT_CC, Codec
from meetings.relay.uptrack import UpTrack

VP8 = Codec(96, "VP8", 90_000)
RTX = Codec(101, "rtx", 90_000, fmtp="apt=100")


def video_track() -> UpTrack:
    sizes = [VideoLayer(quality=number, width=320 << number, height=180 << number) for number in range(3)]
    info = TrackInfo(sid="TR_v", type=TrackType.VIDEO, layers=sizes)
    return UpTrack(1, info, "cid", "ann", "PA_1", codec=VP8, mid="3", order=["q", "h", "f"])


def subscription(up: UpTrack) -> DownTrack:
    down = DownTrack(up, transport=7, number=3)
    extensions = {MID: 4, ABS_SEND_TIME: 2, TRANSPORT_CC: 5}
    down.assign("5", Codec(100, "VP8", 90_000), extensions, rtx=RTX)
    down.ready = True
    return down


def test_the_plane_is_told_what_was_negotiated() -> None:
    down = subscription(video_track())
    declared = down.declared()
    assert (declared.number, declared.transport, declared.track) == (3, 7, 1)
    assert (declared.ssrc, declared.payload_type, declared.rtx) == (down.ssrc, 100, (down.rtx_ssrc, 101))
    assert (declared.mid, declared.mid_extension) == (b"5", 4)
    assert (declared.send_time_extension, declared.congestion_extension) == (2, 5)


def test_ssrcs_are_fresh_for_every_subscription() -> None:
    up = video_track()
    downs = [DownTrack(up, 7, number) for number in range(50)]
    assert len({ssrc for down in downs for ssrc in (down.ssrc, down.rtx_ssrc)}) == 100


def test_before_the_first_report_whatever_comes_first_will_do() -> None:
    up = video_track()
    down = subscription(up)
    assert down.choose(1.0) is None
    layer = up.add_layer("q", 11)
    assert down.choose(1.0) is layer


def test_nothing_is_forwarded_while_disabled_or_paused() -> None:
    up = video_track()
    layer = up.add_layer("q", 11)
    layer.report = StreamReport(media_at=1.0)
    down = subscription(up)
    down.settings(disabled=True, quality=2, width=0, height=0)
    assert (down.choose(1.0), down.demand()) == (None, None)
    down.settings(disabled=False, quality=2, width=0, height=0)
    down.paused = True
    assert down.choose(1.0) is None
    down.paused = False
    assert (down.choose(1.0), down.demand()) == (layer, 2)


@pytest.mark.parametrize(("width", "quality"), [(160, 0), (640, 1), (1280, 2), (4000, 2)])
def test_the_size_on_screen_chooses_the_layer(width: int, quality: int) -> None:
    down = subscription(video_track())
    down.settings(disabled=False, quality=2, width=width, height=width * 9 // 16)
    assert down.wanted == quality


def test_when_the_best_layer_falls_silent_the_next_one_takes_over() -> None:
    up = video_track()
    low, high = up.add_layer("q", 11), up.add_layer("f", 13)
    down = subscription(up)
    low.report, high.report = StreamReport(media_at=1.0), StreamReport(media_at=1.0)
    assert down.choose(1.1) is high
    low.report = StreamReport(media_at=2.5)
    assert down.choose(2.5) is low


def test_a_ceiling_holds_a_subscription_down() -> None:
    up = video_track()
    low, high = up.add_layer("q", 11), up.add_layer("f", 13)
    low.report, high.report = StreamReport(media_at=1.0), StreamReport(media_at=1.0)
    down = subscription(up)
    down.ceiling = 0
    assert down.choose(1.1) is low
    down.ceiling = 2
    assert down.choose(1.1) is high
