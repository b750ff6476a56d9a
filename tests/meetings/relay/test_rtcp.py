"""RTCP packets, against aiortc's reader and writer."""

from collections.abc import Iterable

import aiortc.rtp as peer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetings.relay.errors import MalformedPacket
from meetings.relay.rtcp import (
    FullIntraRequest,
    Goodbye,
    Nack,
    PictureLoss,
    ReceiverReport,
    Remb,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    TransportFeedback,
    parse_rtcp,
    serialize_rtcp,
)

U16 = st.integers(0, 2**16 - 1)
U32 = st.integers(0, 2**32 - 1)
SSRCS = st.lists(U32, max_size=5).map(tuple)

blocks = st.builds(
    ReportBlock, U32, st.integers(0, 255), st.integers(-(2**23), 2**23 - 1), U32, U32, U32, U32
)
reports = st.lists(blocks, max_size=31).map(tuple)
deltas = st.none() | st.integers(-0x8000, 0x7FFF).map(lambda ticks: ticks * 250)


@st.composite
def feedbacks(draw):
    base = draw(U16)
    found = draw(st.lists(deltas, min_size=1, max_size=60))
    run = [None] * draw(st.sampled_from([0, 6, 7, 14, 400]))
    received = [((base + i) & 0xFFFF, delta) for i, delta in enumerate(found + run + found)]
    reference = draw(st.integers(-(2**23), 2**23 - 1))
    return TransportFeedback(
        draw(U32), draw(U32), base, draw(st.integers(0, 255)), reference, tuple(received)
    )


packets = st.one_of(
    st.builds(SenderReport, U32, st.integers(0, 2**64 - 1), U32, U32, U32, reports),
    st.builds(ReceiverReport, U32, reports),
    st.builds(SourceDescription, st.lists(st.tuples(U32, st.text(max_size=60)), max_size=5).map(tuple)),
    st.builds(Goodbye, SSRCS),
    st.builds(PictureLoss, U32, U32),
    st.builds(FullIntraRequest, U32, SSRCS.filter(bool), st.integers(0, 255)),
    st.builds(Remb, U32, st.integers(0, 2**18 - 1).map(lambda bits: bits << 10), SSRCS),
    feedbacks(),
)


def written(sent: Iterable[RtcpPacket]) -> bytes:
    return b"".join(serialize_rtcp(sent))


def test_a_large_rooms_reports_fit_the_path() -> None:
    """Regression: with some 50 tracks the compound outgrew 1,500 bytes, and no report went out."""
    reports = [SenderReport(ssrc, 1, 2, 3, 4) for ssrc in range(200)]
    compounds = list(serialize_rtcp(reports))
    assert max(map(len, compounds)) <= 1200
    assert [packet for compound in compounds for packet in parse_rtcp(compound)] == reports
    assert list(serialize_rtcp([])) == []


@given(st.lists(packets, max_size=5))
def test_compound_packets_survive_the_wire(sent):
    assert parse_rtcp(written(sent)) == sent


@given(st.sets(U16, max_size=60))
def test_nack_names_every_lost_packet_once(lost):
    packet = Nack(1, 2, tuple(sorted(lost)))
    (read,) = parse_rtcp(written([packet]))
    assert isinstance(read, Nack)
    assert sorted(read.lost) == sorted(lost)


def test_nack_packs_runs_across_the_wrap():
    data = written([Nack(1, 2, (65534, 65535, 0, 14))])
    assert len(data) == 16
    (read,) = peer.RtcpPacket.parse(data)
    assert [number % 65536 for number in read.lost] == [65534, 65535, 0, 14]


def test_a_peer_reads_our_sender_report_and_name():
    block = ReportBlock(9, 128, -3, 70000, 55, 66, 77)
    ours = [SenderReport(5, 0x0123456789ABCDEF, 90, 10, 11, (block,)), SourceDescription(((5, "PA_x"),))]
    report, names = peer.RtcpPacket.parse(written(ours))
    assert (report.ssrc, report.sender_info.ntp_timestamp) == (5, 0x0123456789ABCDEF)
    assert (report.reports[0].packets_lost, report.reports[0].dlsr) == (-3, 77)
    assert names.chunks[0].items == [(1, b"PA_x")]


def test_we_read_what_a_peer_writes():
    theirs = bytes(peer.RtcpRrPacket(ssrc=3, reports=[peer.RtcpReceiverInfo(4, 1, -2, 3, 4, 5, 6)]))
    theirs += bytes(peer.RtcpByePacket(sources=[3]))
    theirs += bytes(peer.RtcpRtpfbPacket(fmt=1, ssrc=3, media_ssrc=4, lost=[7, 9]))
    theirs += bytes(peer.RtcpPsfbPacket(fmt=15, ssrc=3, media_ssrc=0, fci=peer.pack_remb_fci(4160000, [8])))
    report, bye, nack, remb = parse_rtcp(theirs)
    assert report == ReceiverReport(3, (ReportBlock(4, 1, -2, 3, 4, 5, 6),))
    assert bye == Goodbye((3,))
    assert nack == Nack(3, 4, (7, 9))
    assert remb == Remb(3, 4160000, (8,))


def test_remb_rounds_large_rates_down():
    (read,) = parse_rtcp(written([Remb(1, 1_000_000_007, (2,))]))
    assert isinstance(read, Remb)
    assert 0 <= 1_000_000_007 - read.bitrate < 4096


def test_unknown_packets_are_left_out():
    unknown = b"\x80\xcc\x00\x01abcd" + b"\x81\xcd\x00\x00"[:0] + b"\x9f\xce\x00\x02" + bytes(8)
    assert parse_rtcp(unknown + written([PictureLoss(1, 2)])) == [PictureLoss(1, 2)]


def test_other_application_feedback_is_left_out():
    assert parse_rtcp(b"\x8f\xce\x00\x04" + bytes(8) + b"ABCD" + bytes(4)) == []


def test_padding_of_the_last_packet_is_removed():
    padded = b"\xa0\xc9\x00\x02" + (5).to_bytes(4, "big") + b"\x00\x00\x00\x04"
    assert parse_rtcp(padded) == [ReceiverReport(5)]


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\xc8",
        b"\x40\xc9\x00\x01abcd",
        b"\x80\xc9\x00\x02abcd",
        b"\x81\xc9\x00\x01abcd",
        b"\x80\xc8\x00\x01abcd",
        b"\xa0\xc9\x00\x01\x00\x00\x00\x05",
        b"\xa0\xc9\x00\x00",
        b"\x81\xca\x00\x02abcd\x01\x09ab",
        b"\x8f\xcd\x00\x01abcd",
        b"\x8f\xce\x00\x04" + bytes(8) + b"REMB\x02\x00\x00\x01",
    ],
)
def test_refuses_packets_that_promise_more_than_they_hold(data):
    with pytest.raises(MalformedPacket):
        parse_rtcp(data)


@given(st.sampled_from([200, 201, 202, 203, 205, 206]), st.integers(0, 63), st.binary(max_size=60))
def test_no_bytes_raise_anything_else(kind, count, body):
    body += bytes(-len(body) % 4)
    data = bytes((0x80 | count, kind)) + (len(body) // 4).to_bytes(2, "big") + body
    try:
        found = parse_rtcp(data)
    except MalformedPacket:
        return
    assert len(found) <= 1


def test_refuses_feedback_that_would_unfold_into_masses():
    def claim(count):
        body = bytes(10) + count.to_bytes(2, "big") + bytes(4) + b"\x1f\xff" * 9
        body += bytes(-len(body) % 4)
        return b"\x8f\xcd" + (len(body) // 4).to_bytes(2, "big") + body

    assert len(parse_rtcp(claim(4000))) == 1
    with pytest.raises(MalformedPacket):
        parse_rtcp(claim(65535))
    with pytest.raises(MalformedPacket):
        parse_rtcp(claim(4000) * 2)


def test_refuses_to_write_too_many_reports():
    with pytest.raises(ValueError, match="31"):
        written([ReceiverReport(1, (ReportBlock(1, 0, 0, 0, 0, 0, 0),) * 32)])
