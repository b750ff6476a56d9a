"""Offers: what is read can be answered, and the answer says nothing the relay did not mean to say."""

from collections.abc import Iterator
from pathlib import Path

from meetings.relay.errors import MalformedDescription
from meetings.relay.sdp import DataAnswer, MediaSection, SectionAnswer, parse_offer, write_answer
from tests.peers.descriptions import Description, Section

_FIXTURES = Path(__file__).parents[1] / "meetings" / "relay" / "fixtures"


def run(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    try:
        offer = parse_offer(text)
    except MalformedDescription:
        return
    assert sum(len(section.codecs) for section in offer.sections) <= len(text)
    for section in offer.sections:
        for codec in section.codecs.values():
            assert section.find_codec(codec.name) is not None
            section.find_rtx(codec)
    answer = write_answer(
        session_id=1,
        version=1,
        ufrag="ufrag",
        pwd="password-of-the-relay",
        fingerprint=("sha-256", "00"),
        candidates=["candidate:1 1 udp 1 192.0.2.1 5000 typ host"],
        sections=[_answered(section) for section in offer.sections],
    )
    read = parse_offer(answer)  # an answer has the same shape
    assert [section.mid for section in read.sections] == [section.mid for section in offer.sections]
    assert [section.kind for section in read.sections] == [section.kind for section in offer.sections]
    assert {section.ice_pwd for section in read.sections} <= {"password-of-the-relay"}
    assert {section.fingerprints for section in read.sections} <= {(("sha-256", "00"),)}


def _answered(section: MediaSection) -> SectionAnswer | DataAnswer:
    if section.kind == "application":
        return DataAnswer(section.mid, section.protocol)
    return SectionAnswer(
        mid=section.mid,
        kind=section.kind,
        protocol=section.protocol,
        direction="recvonly" if section.sends else "inactive",
        codec=next(iter(section.codecs.values()), None),
        extensions=dict(section.extensions),
        rids=section.rids,
    )


def seeds() -> Iterator[bytes]:
    ours = Description()
    ours.sections += [Section("audio", "sendonly", "mic", 7), Section("video", "sendonly", "cam", 8)]
    yield ours.offer("ufrag", "password", ":".join(["AB"] * 32)).encode()
    for path in sorted(_FIXTURES.glob("*.sdp")):
        sections = path.read_text().split("m=")
        yield "m=".join([sections[0], *sections[-2:]]).encode()
