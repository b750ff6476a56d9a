"""Which section of a client's offer carries which subscription."""

from livekit.protocol.models import TrackInfo, TrackType

from meetings.relay.dataplane.portable import PortablePlane
from meetings.relay.downtrack import DownTrack
from meetings.relay.ice_lite import IceLite
from meetings.relay.interface import RelayLimits, SystemClock
from meetings.relay.participant.context import Context
from meetings.relay.participant.subscriptions import Subscriptions
from meetings.relay.sdp import Codec, MediaSection
from meetings.relay.secure import Certificate
from meetings.relay.signalling import ApiKey
from meetings.relay.uptrack import UpTrack

OPUS = Codec(111, "opus", 48_000, channels=2)


def subscriptions() -> Subscriptions:
    clock = SystemClock()
    plane = PortablePlane(bind="127.0.0.1", port=0, stun_received=lambda data, address: None)
    ice = IceLite(clock=clock, bind=lambda *call: True, addresses=())
    return Subscriptions(Context(plane, ice, Certificate(), clock, RelayLimits(), ApiKey("k", "s" * 32)), 1)


def microphone(number: int) -> UpTrack:
    info = TrackInfo(sid=f"TR_{number}", type=TrackType.AUDIO)
    track = UpTrack(number, info, f"c{number}", "ann", "PA_ann", "Ann", muted=False)
    track.codec = OPUS
    return track


def serve(subject: Subscriptions, *mids: str) -> list[DownTrack | None]:
    """One offer with these receiving sections; what each of them carries."""
    sections = [
        MediaSection("audio", mid, "UDP/TLS/RTP/SAVPF", 9, direction="recvonly", codecs={111: OPUS})
        for mid in mids
    ]
    subject.offered(sections)
    return [subject.serve(section, 0.0) for section in sections]


def test_a_section_is_seen_idle_before_it_carries_another_track() -> None:
    """Clients tell of a track when its section begins to send: one that is given up and wanted again within
    a tenth of a second, or another's in its place, was never heard of again (Python SDK)."""
    subject, first, second = subscriptions(), microphone(1), microphone(2)
    subject.add(first)
    (served,) = serve(subject, "0")
    assert served is not None
    assert served.up is first
    subject.remove(first)
    subject.add(second)
    assert serve(subject, "0") == [None]
    assert subject.waiting
    (served,) = serve(subject, "0")
    assert served is not None
    assert served.up is second


def test_a_free_section_is_taken_at_once_though_another_was_just_vacated() -> None:
    subject, first, second = subscriptions(), microphone(1), microphone(2)
    subject.add(first)
    serve(subject, "0", "1")
    subject.remove(first)
    subject.add(second)
    vacated, free = serve(subject, "0", "1")
    assert vacated is None
    assert free is not None
    assert free.up is second


def test_a_client_is_asked_to_offer_after_a_track_ended_so_that_it_hears_of_it() -> None:
    """Browsers go by the section: without another offer livekit-client never said "unsubscribed"."""
    subject, track = subscriptions(), microphone(1)
    subject.add(track)
    serve(subject, "0")
    assert subject.section_needs() is None
    subject.remove(track)
    assert subject.section_needs() == {"audio": 0, "video": 0}
    serve(subject, "0")
    assert subject.section_needs() is None


def test_a_section_that_the_client_itself_closed_is_not_asked_for_again() -> None:
    subject, track = subscriptions(), microphone(1)
    subject.add(track)
    serve(subject, "0")
    subject.remove(track)
    serve(subject)
    assert subject.section_needs() is None
