"""Compound RTCP packets to values and back (RFC 3550 section 6.1, RFC 4585 section 6.1)."""

from collections.abc import Callable, Iterable, Iterator
from functools import singledispatch
from struct import Struct, error, pack, unpack_from

from meetings.relay.errors import MalformedPacket
from meetings.relay.rtcp.packets import (
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
)
from meetings.relay.rtcp.transport_cc import MAX_STATUSES, parse_feedback, write_feedback

_HEAD = Struct("!BBH")
_PAIR = Struct("!II")
_SENDER = Struct("!IQIII")
_REPORT = Struct("!IIIIII")
_NACK = Struct("!HH")

_SR, _RR, _SDES, _BYE, _RTPFB, _PSFB = 200, 201, 202, 203, 205, 206
_CNAME = 1


def parse_rtcp(compound: bytes) -> list[RtcpPacket]:
    """The packets of a datagram, in order; types not known here are left out. Raises MalformedPacket."""
    packets: list[RtcpPacket] = []
    position = statuses = 0
    try:
        while position < len(compound):
            first, kind, words = _HEAD.unpack_from(compound, position)
            end = position + 4 + 4 * words
            if first >> 6 != 2 or end > len(compound):
                raise MalformedPacket("not an RTCP packet")
            packet = _parse_one(kind, first & 31, _unpadded(compound[position + 4 : end], first))
            if isinstance(packet, TransportFeedback):
                statuses += len(packet.received)
            if statuses > MAX_STATUSES:
                raise MalformedPacket("transport feedback covers too many packets")
            if packet is not None:
                packets.append(packet)
            position = end
    except error as cause:
        raise MalformedPacket("RTCP packet is cut short") from cause
    return packets


def _unpadded(body: bytes, first: int) -> bytes:
    if not first & 0x20:
        return body
    if not body or not 0 < body[-1] <= len(body):
        raise MalformedPacket("RTCP padding is longer than its packet")
    return body[: -body[-1]]


def _parse_one(kind: int, count: int, body: bytes) -> RtcpPacket | None:
    """`count` is the report count, or for feedback the message type."""
    reader = _READERS.get((kind, count)) if kind in (_RTPFB, _PSFB) else _COUNTED.get(kind)
    return reader(body, count) if reader else None


def _parse_sender_report(body: bytes, count: int) -> SenderReport:
    ssrc, ntp, timestamp, packets, octets = _SENDER.unpack_from(body)
    return SenderReport(ssrc, ntp, timestamp, packets, octets, _parse_reports(body, _SENDER.size, count))


def _parse_receiver_report(body: bytes, count: int) -> ReceiverReport:
    return ReceiverReport(unpack_from("!I", body)[0], _parse_reports(body, 4, count))


def _parse_reports(body: bytes, offset: int, count: int) -> tuple[ReportBlock, ...]:
    return tuple(_parse_report(body, offset + 24 * index) for index in range(count))


def _parse_report(body: bytes, offset: int) -> ReportBlock:
    ssrc, loss, highest, jitter, lsr, dlsr = _REPORT.unpack_from(body, offset)
    lost = ((loss & 0xFFFFFF) ^ 0x800000) - 0x800000
    return ReportBlock(ssrc, loss >> 24, lost, highest, jitter, lsr, dlsr)


def _parse_source_description(body: bytes, count: int) -> SourceDescription:
    chunks: list[tuple[int, str]] = []
    position = 0
    for _ in range(count):
        (ssrc,) = unpack_from("!I", body, position)
        position += 4
        while unpack_from("!B", body, position)[0]:
            item, size = unpack_from("!BB", body, position)
            (value,) = unpack_from(f"!{size}s", body, position + 2)
            position += 2 + size
            if item == _CNAME:
                chunks.append((ssrc, value.decode("utf-8", "replace")))
        position += 4 - position % 4  # one to four zero bytes end a chunk
    return SourceDescription(tuple(chunks))


def _parse_goodbye(body: bytes, count: int) -> Goodbye:
    return Goodbye(unpack_from(f"!{count}I", body))


def _parse_nack(body: bytes, _: int) -> Nack:
    ssrc, media_ssrc = _PAIR.unpack_from(body)
    lost: list[int] = []
    for offset in range(8, len(body) - 3, 4):
        first, mask = _NACK.unpack_from(body, offset)
        lost.append(first)
        lost += [(first + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1]
    return Nack(ssrc, media_ssrc, tuple(lost))


def _parse_picture_loss(body: bytes, _: int) -> PictureLoss:
    return PictureLoss(*_PAIR.unpack_from(body))


def _parse_full_intra(body: bytes, _: int) -> FullIntraRequest:
    ssrc, _media = _PAIR.unpack_from(body)
    entries = [_PAIR.unpack_from(body, offset) for offset in range(8, len(body) - 7, 8)]
    command = entries[0][1] >> 24 if entries else 0
    return FullIntraRequest(ssrc, tuple(target for target, _ in entries), command)


def _parse_remb(body: bytes, _: int) -> Remb | None:
    ssrc, _media, name, bits = unpack_from("!II4sI", body)
    if name != b"REMB":
        return None  # another application layer feedback
    mantissa, exponent = bits & 0x3FFFF, bits >> 18 & 63
    return Remb(ssrc, mantissa << exponent, unpack_from(f"!{bits >> 24}I", body, 16))


_COUNTED: dict[int, Callable[[bytes, int], RtcpPacket | None]] = {
    _SR: _parse_sender_report,
    _RR: _parse_receiver_report,
    _SDES: _parse_source_description,
    _BYE: _parse_goodbye,
}
_READERS: dict[tuple[int, int], Callable[[bytes, int], RtcpPacket | None]] = {
    (_RTPFB, 1): _parse_nack,
    (_RTPFB, 15): lambda body, _: parse_feedback(body),
    (_PSFB, 1): _parse_picture_loss,
    (_PSFB, 4): _parse_full_intra,
    (_PSFB, 15): _parse_remb,
}


def serialize_rtcp(packets: Iterable[RtcpPacket], *, limit: int = 1200) -> Iterator[bytes]:
    """Compound packets of at most `limit` bytes (a single longer packet stays whole), in order.

    They are reduced-size ones (RFC 5506): the answer says a=rtcp-rsize.
    """
    compound = b""
    for packet in packets:
        data = _write(packet)
        if compound and len(compound) + len(data) > limit:
            yield compound
            compound = b""
        compound += data
    if compound:
        yield compound


def _frame(kind: int, count: int, body: bytes) -> bytes:
    return _HEAD.pack(0x80 | count, kind, len(body) // 4) + body


@singledispatch
def _write(packet: RtcpPacket) -> bytes:
    raise TypeError(f"not an RTCP packet: {packet!r}")


@_write.register
def _(packet: SenderReport) -> bytes:
    fixed = _SENDER.pack(
        packet.ssrc,
        packet.ntp,
        packet.rtp_timestamp & 0xFFFFFFFF,
        packet.packet_count & 0xFFFFFFFF,
        packet.octet_count & 0xFFFFFFFF,
    )
    return _frame(_SR, len(packet.reports), fixed + _write_reports(packet.reports))


@_write.register
def _(packet: ReceiverReport) -> bytes:
    return _frame(_RR, len(packet.reports), pack("!I", packet.ssrc) + _write_reports(packet.reports))


def _write_reports(reports: tuple[ReportBlock, ...]) -> bytes:
    if len(reports) > 31:
        raise ValueError("a report carries at most 31 blocks")
    return b"".join(
        _REPORT.pack(
            block.ssrc,
            block.fraction_lost << 24 | block.packets_lost & 0xFFFFFF,
            block.highest_sequence,
            block.jitter,
            block.lsr,
            block.dlsr,
        )
        for block in reports
    )


@_write.register
def _(packet: SourceDescription) -> bytes:
    body = b""
    for ssrc, cname in packet.chunks:
        name = cname.encode()
        chunk = pack("!IBB", ssrc, _CNAME, len(name)) + name
        body += chunk + bytes(4 - len(chunk) % 4)
    return _frame(_SDES, len(packet.chunks), body)


@_write.register
def _(packet: Goodbye) -> bytes:
    return _frame(_BYE, len(packet.ssrcs), pack(f"!{len(packet.ssrcs)}I", *packet.ssrcs))


@_write.register
def _(packet: Nack) -> bytes:
    body = _PAIR.pack(packet.ssrc, packet.media_ssrc)
    first, mask = None, 0
    for number in packet.lost:
        ahead = 0 if first is None else (number - first) & 0xFFFF
        if first is not None and 1 <= ahead <= 16:
            mask |= 1 << (ahead - 1)
            continue
        if first is not None:
            body += _NACK.pack(first, mask)
        first, mask = number, 0
    if first is not None:
        body += _NACK.pack(first, mask)
    return _frame(_RTPFB, 1, body)


@_write.register
def _(packet: PictureLoss) -> bytes:
    return _frame(_PSFB, 1, _PAIR.pack(packet.ssrc, packet.media_ssrc))


@_write.register
def _(packet: FullIntraRequest) -> bytes:
    entries = b"".join(_PAIR.pack(target, (packet.command & 255) << 24) for target in packet.targets)
    return _frame(_PSFB, 4, _PAIR.pack(packet.ssrc, 0) + entries)


@_write.register
def _(packet: Remb) -> bytes:
    exponent = max(packet.bitrate.bit_length() - 18, 0)
    bits = len(packet.ssrcs) << 24 | exponent << 18 | packet.bitrate >> exponent
    body = pack("!II4sI", packet.ssrc, 0, b"REMB", bits) + pack(f"!{len(packet.ssrcs)}I", *packet.ssrcs)
    return _frame(_PSFB, 15, body)


@_write.register
def _(packet: TransportFeedback) -> bytes:
    return write_feedback(packet)
