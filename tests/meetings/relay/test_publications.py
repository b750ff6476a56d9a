"""From Chromium's offer and its first packets to what the plane is told, and to the answer."""

from pathlib import Path

import pytest
from aiortc.sdp import SessionDescription
from livekit.protocol.models import TrackSource, TrackType, VideoLayer
from livekit.protocol.rtc import AddTrackRequest

from meetings.relay.dataplane.portable import PortablePlane
from meetings.relay.downtrack import DownTrack
from meetings.relay.ice_lite import IceLite
from meetings.relay.interface import RelayLimits, RtpHeader, SystemClock
from meetings.relay.participant.context import Context
from meetings.relay.participant.negotiation import negotiate
from meetings.relay.participant.publications import Publications
from meetings.relay.participant.subscriptions import Subscriptions
from meetings.relay.plane import StreamSettings
from meetings.relay.sdp import MID, REPAIRED_RID, RID, parse_offer, write_answer
from meetings.relay.secure import Certificate
from meetings.relay.signalling import ApiKey

FIXTURES = Path(__file__).parent / "fixtures"
OFFER = parse_offer((FIXTURES / "chromium_simulcast_offer.sdp").read_text())
MICROPHONE, SIMULCAST, SINGLE = OFFER.sections[7:]
RTX = 97


class Plane(PortablePlane):
    """Notes what is declared."""

    def __init__(self) -> None:
        super().__init__(bind="127.0.0.1", port=0, stun_received=lambda data, address, local: None)
        self.streams: dict[int, StreamSettings] = {}
        self.repairs: list[tuple[int, int, int, int]] = []

    def add_stream(self, settings: StreamSettings) -> None:
        self.streams[settings.ssrc] = settings

    def add_repair(self, transport: int, rtx_ssrc: int, ssrc: int, payload_type: int) -> None:
        self.repairs.append((transport, rtx_ssrc, ssrc, payload_type))


class Person:
    """Publishes and receives on transport 1."""

    def __init__(self) -> None:
        self.plane, clock = Plane(), SystemClock()
        ice = IceLite(clock=clock, bind=lambda *call: True, addresses=())
        context = Context(self.plane, ice, Certificate(), clock, RelayLimits(), ApiKey("k", "s" * 32))
        self.publications = Publications(
            context, 1, voices=4, on_published=lambda track: None, on_unpublished=lambda track: None
        )
        self.subscriptions = Subscriptions(context, 1)

    def publish(self, cid: str, kind: int, **more: object) -> None:
        request = AddTrackRequest(cid=cid, type=kind, **more)
        self.publications.add(request, identity="ann", sid="PA_ann", name="Ann")

    def answer(self) -> str:
        offered = negotiate(OFFER, self.publications, self.subscriptions, max_message=65_536, now=0.0)
        return write_answer(
            session_id=1,
            version=1,
            ufrag="u",
            pwd="p",
            fingerprint=("sha-256", "AB"),
            candidates=[],
            sections=offered.sections,
        )

    def hear(self, ssrc: int, payload_type: int, *, rid: bytes = b"", repaired: bytes = b"") -> None:
        """The first packet of an SSRC in the simulcast section."""
        named = {MID: SIMULCAST.mid.encode(), RID: rid, REPAIRED_RID: repaired}
        extensions = {SIMULCAST.extensions[uri]: value for uri, value in named.items() if value}
        self.publications.unknown_ssrc(RtpHeader(False, payload_type, 1, 0, ssrc, 12, 0, extensions))


def client_id(section) -> str:
    return section.msid.split()[-1]


@pytest.fixture
def person() -> Person:
    return Person()


def simulcast(person: Person) -> None:
    layers = [VideoLayer(quality=number, width=320 << number, height=180 << number) for number in range(3)]
    person.publish(client_id(SIMULCAST), TrackType.VIDEO, layers=layers)
    person.answer()


def test_a_layers_repairs_are_found_by_its_repaired_rid(person: Person) -> None:
    simulcast(person)
    person.hear(21, 96, rid=b"h")
    person.hear(22, RTX, repaired=b"h")
    assert list(person.plane.streams) == [21]
    assert person.plane.streams[21].quality == 1
    assert person.plane.repairs == [(1, 22, 21, RTX)]


def test_repairs_of_a_layer_that_is_not_there_wait_for_it(person: Person) -> None:
    simulcast(person)
    person.hear(22, RTX, repaired=b"h")
    person.hear(23, RTX)
    assert (person.plane.streams, person.plane.repairs) == ({}, [])
    person.hear(21, 96, rid=b"h")
    person.hear(22, RTX, repaired=b"h")
    assert person.plane.repairs == [(1, 22, 21, RTX)]


def test_an_rtx_stream_is_no_layer_though_it_names_one(person: Person) -> None:
    simulcast(person)
    person.hear(22, RTX, rid=b"h")
    assert (person.plane.streams, person.plane.repairs) == ({}, [])


def test_repairs_that_the_offer_names_need_no_packet(person: Person) -> None:
    simulcast(person)
    person.publish(client_id(SINGLE), TrackType.VIDEO)
    person.answer()
    ssrc, rtx_ssrc = SINGLE.ssrcs
    assert person.plane.repairs == [(1, rtx_ssrc, ssrc, RTX)]


@pytest.mark.parametrize(("disable_red", "red"), [(False, 63), (True, None)])
def test_a_client_may_do_without_redundant_audio(person: Person, disable_red: bool, red: int | None) -> None:
    person.publish(
        client_id(MICROPHONE), TrackType.AUDIO, source=TrackSource.MICROPHONE, disable_red=disable_red
    )
    answer = SessionDescription.parse(person.answer())
    (settings,) = person.plane.streams.values()
    assert (settings.red_payload_type, settings.payload_type, settings.voices) == (red, 111, 4)
    formats = answer.media[7].fmt
    assert formats == ([63, 111] if red else [111])


def test_the_sound_of_a_screen_is_not_ranked_among_the_voices(person: Person) -> None:
    person.publish(client_id(MICROPHONE), TrackType.AUDIO, source=TrackSource.SCREEN_SHARE_AUDIO)
    person.answer()
    assert [settings.voices for settings in person.plane.streams.values()] == [0]


def test_the_answer_says_which_ssrc_repeats_which() -> None:
    """RFC 5576 §4.2: receivers find the repeats of a video by its FID group; sound has none."""
    publisher, subscriber = Person(), Person()
    publisher.publish(client_id(SINGLE), TrackType.VIDEO)
    publisher.publish(client_id(MICROPHONE), TrackType.AUDIO)
    publisher.answer()
    for track in publisher.publications:
        subscriber.subscriptions.add(track)
    answer = SessionDescription.parse(subscriber.answer())
    downs: dict[bool, DownTrack] = {down.up.is_video: down for down in subscriber.subscriptions}
    sending = {media.kind: media for media in answer.media if media.direction == "sendonly"}
    video, audio = downs[True], downs[False]
    assert [group.items for group in sending["video"].ssrc_group] == [[video.ssrc, video.rtx_ssrc]]
    assert video.declared().rtx == (video.rtx_ssrc, sending["video"].rtp.codecs[1].payloadType)
    assert sending["audio"].ssrc_group == []
    assert [entry.ssrc for entry in sending["audio"].ssrc] == [audio.ssrc]
    assert audio.declared().rtx is None
