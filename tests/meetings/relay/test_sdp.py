"""Offers recorded from Chromium, answers read back by another library."""

from pathlib import Path

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from meetings.relay.errors import MalformedDescription
from meetings.relay.sdp import (
    ABS_SEND_TIME,
    AUDIO_LEVEL,
    MID,
    REPAIRED_RID,
    RID,
    TRANSPORT_CC,
    Codec,
    DataAnswer,
    MediaSection,
    SectionAnswer,
    parse_offer,
    write_answer,
)

FIXTURES = Path(__file__).parent / "fixtures"
FIRST = (FIXTURES / "chromium_first_offer.sdp").read_text()
SIMULCAST = (FIXTURES / "chromium_simulcast_offer.sdp").read_text()

MINIMAL = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\n"


def test_reads_the_first_offer_of_a_receiving_client():
    offer = parse_offer(FIRST)
    assert [section.kind for section in offer.sections] == ["audio"] * 3 + ["video"] * 3 + ["application"]
    assert offer.bundle == tuple("0123456")
    assert {section.direction for section in offer.sections[:6]} == {"recvonly"}
    assert offer.sections[0].receives
    assert not offer.sections[0].sends
    assert offer.sections[6].sctp_port == 5000
    first = offer.sections[0]
    assert (first.ice_ufrag, first.setup, first.port) == ("z/4o", "actpass", 9)
    assert first.fingerprints[0][0] == "sha-256"
    assert len(first.fingerprints[0][1]) == 95


def test_carriage_returns_make_no_difference():
    assert parse_offer(FIRST.replace("\n", "\r\n")) == parse_offer(FIRST)


def test_reads_codecs_in_the_order_of_preference():
    audio, video = (parse_offer(FIRST).sections[index] for index in (0, 3))
    assert list(audio.codecs) == [111, 63, 9, 0, 8, 13, 110, 126]
    opus = audio.codecs[111]
    assert (opus.rtpmap, opus.mime("audio")) == ("opus/48000/2", "audio/opus")
    assert opus.parameters == {"minptime": "10", "useinbandfec": "1"}
    assert opus.feedback == ("transport-cc",)
    vp8 = video.find_codec("vp8")
    assert vp8 is not None
    assert vp8.feedback == ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
    rtx = video.find_rtx(vp8)
    assert rtx is not None
    assert (rtx.name, rtx.fmtp) == ("rtx", f"apt={vp8.payload_type}")


def test_prefers_the_h264_every_browser_decodes():
    h264 = parse_offer(FIRST).sections[3].find_codec("H264")
    assert h264 is not None
    assert h264.parameters["packetization-mode"] == "1"
    assert h264.parameters["profile-level-id"] == "42e01f"


def test_takes_another_h264_rather_than_none():
    offered = [
        Codec(1, "H264", 90000, fmtp="profile-level-id=42e01f"),
        Codec(2, "H264", 90000, fmtp="packetization-mode=1;profile-level-id=640c1f"),
    ]
    section = MediaSection("video", "0", "p", 9, codecs={codec.payload_type: codec for codec in offered})
    assert section.find_codec("H264") is offered[1]
    assert section.find_codec("AV1") is None
    assert section.find_rtx(offered[0]) is None


def test_reads_what_a_publisher_sends():
    audio, simulcast, single = parse_offer(SIMULCAST).sections[7:]
    assert audio.sends
    assert audio.extensions[AUDIO_LEVEL] == 1
    assert len(audio.ssrcs) == 1
    assert audio.msid == "- 224da365-c880-4d2b-b6fe-94689e0f0ab5"
    assert simulcast.rids == ("q", "h", "f")
    assert {MID, RID, REPAIRED_RID, ABS_SEND_TIME, TRANSPORT_CC} <= simulcast.extensions.keys()
    assert single.ssrcs == (4149052673, 2675261935)
    assert single.retransmissions == {4149052673: 2675261935}


def test_session_lines_serve_every_section():
    text = MINIMAL.replace(
        "m=audio", "a=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:SHA-256 ab:cd\r\nm=audio"
    )
    (section,) = parse_offer(text).sections
    assert (section.ice_ufrag, section.ice_pwd) == ("u", "p")
    assert section.fingerprints == (("sha-256", "AB:CD"),)


def test_feedback_for_all_payload_types_is_given_to_each():
    (section,) = parse_offer(MINIMAL + "a=rtcp-fb:* nack\r\na=unheard-of:1\r\nx=y\r\n").sections
    assert section.codecs[111].feedback == ("nack",)


def test_provisional_extension_identifiers_are_left_out():
    (section,) = parse_offer(MINIMAL + f"a=extmap:4090 {MID}\r\na=extmap:3/recvonly {RID}\r\n").sections
    assert section.extensions == {RID: 3}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "v=0\r\n",
        MINIMAL.replace("a=mid:0\r\n", ""),
        MINIMAL + MINIMAL.removeprefix("v=0\r\n"),
        MINIMAL.replace("111 opus", "128 opus"),
        MINIMAL.replace("111 opus", "١١١ opus"),
        MINIMAL.replace("48000", "1e9"),
        MINIMAL.replace("48000", "9" * 5000),
        MINIMAL.replace(" 9 ", " 70000 "),
        MINIMAL.replace("audio 9 UDP/TLS/RTP/SAVPF 111", "audio"),
        MINIMAL.replace("a=mid:0", "a=mid:a b"),
        MINIMAL.replace("a=mid:0", "a=mid:a\rb"),
        MINIMAL + "a=extmap:1\r\n",
        MINIMAL + "a=rid:q\r\n",
        MINIMAL + "a=ssrc:\r\n",
        MINIMAL + "a=ssrc:4294967296 cname:x\r\n",
        MINIMAL + "a=msid:\x00\r\n",
        MINIMAL + "a=x:" + "y" * 9000,
        MINIMAL + "a=x\r\n" * 1001,
        MINIMAL + " " * 3_000_000,
        "v=0\r\n" + "".join(f"m=audio 9 A/B 1\r\na=mid:{index}\r\n" for index in range(301)),
    ],
)
def test_refuses_what_cannot_be_an_offer(text):
    with pytest.raises(MalformedDescription):
        parse_offer(text)


LINES = st.sampled_from(sorted(set(SIMULCAST.splitlines())))
NAMES = st.sampled_from(["rtpmap", "fmtp", "rtcp-fb", "extmap", "rid", "ssrc", "ssrc-group", "fingerprint"])
NOISE = st.builds(lambda name, value: f"a={name}:{value}", NAMES, st.text(max_size=20))


@given(st.lists(LINES | NOISE | st.text(max_size=30), max_size=20))
def test_no_text_raises_anything_else(lines):
    try:
        offer = parse_offer("\r\n".join([MINIMAL, *lines]))
    except MalformedDescription:
        return
    assert offer.sections[0].kind == "audio"


def answer_to(text, *, rejected=()):
    """What a relay would say: receive from senders, send to receivers, keep unused sections."""
    sections = []
    for index, section in enumerate(parse_offer(text).sections):
        if section.kind == "application":
            sections.append(DataAnswer(section.mid))
            continue
        codec = section.find_codec("opus" if section.kind == "audio" else "VP8")
        receiving = section.sends
        sending = not receiving and index % 2 == 1
        sections.append(
            SectionAnswer(
                mid=section.mid,
                kind=section.kind,
                protocol=section.protocol,
                direction="recvonly" if receiving else "sendonly" if sending else "inactive",
                codec=None if section.mid in rejected else codec,
                rtx=section.find_rtx(codec),
                extensions=section.extensions,
                feedback=("transport-cc",),
                rids=section.rids if receiving else (),
                msid="PA_1|TR_1 TR_1" if sending else None,
                ssrc=1000 + index if sending else None,
                rtx_ssrc=2000 + index if sending and section.kind == "video" else None,
                cname="PA_1",
            )
        )
    return write_answer(
        session_id=42,
        version=3,
        ufrag="relay",
        pwd="secret",
        fingerprint=("sha-256", "AB:CD"),
        candidates=["candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host"],
        sections=sections,
    )


def test_another_library_reads_the_answer():
    answer = SessionDescription.parse(answer_to(SIMULCAST))
    assert answer.origin == "- 42 3 IN IP4 127.0.0.1"
    assert answer.group[0].items == list("0123456789")
    assert [media.direction for media in answer.media[:4]] == ["inactive", "sendonly", "inactive", "sendonly"]
    assert answer.media[7].direction == "recvonly"
    assert answer.media[6].sctp_port == 5000
    for media in answer.media:
        assert media.ice.iceLite
        assert (media.ice.usernameFragment, media.ice.password) == ("relay", "secret")
        assert media.dtls.role == "client"
    assert answer.media[0].ice_candidates[0].ip == "192.0.2.1"
    assert answer.media[0].ice_candidates_complete
    assert not answer.media[1].ice_candidates
    assert [group.items for group in answer.media[3].ssrc_group] == [[1003, 2003]]
    assert [codec.name for codec in answer.media[8].rtp.codecs] == ["VP8", "rtx"]


def test_extensions_are_echoed_on_inactive_sections_too():
    offered = parse_offer(SIMULCAST).sections
    answered = parse_offer(answer_to(SIMULCAST)).sections
    assert [section.extensions for section in answered] == [section.extensions for section in offered]
    assert {section.direction for section in answered} == {"inactive", "sendonly", "recvonly", "sendrecv"}


def test_simulcast_is_accepted_layer_by_layer():
    text = answer_to(SIMULCAST)
    assert text.count("a=simulcast:recv q;h;f\r\n") == 1
    assert [f"a=rid:{rid} recv\r\n" in text for rid in "qhf"] == [True] * 3


def test_a_rejected_section_leaves_the_bundle():
    text = answer_to(FIRST, rejected=("0",))
    assert "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n" in text
    assert "a=group:BUNDLE 1 2 3 4 5 6\r\n" in text
    assert text.index("a=candidate:") > text.index("a=mid:1\r\n")


def test_parameters_can_be_replaced():
    codec = Codec(111, "opus", 48000, 2, "minptime=10")
    section = SectionAnswer("0", "audio", "UDP/TLS/RTP/SAVPF", "recvonly", codec, fmtp="minptime=10;usedtx=1")
    text = write_answer(
        session_id=1,
        version=1,
        ufrag="u",
        pwd="p",
        fingerprint=("sha-256", "AB"),
        candidates=[],
        sections=[section],
    )
    assert "a=fmtp:111 minptime=10;usedtx=1\r\n" in text
