"""RTP: headers and their extensions, the video codecs' descriptors, the way through a track to a subscriber.

The input is a string of packets, each behind two bytes of length; a first byte chooses the codec.
"""

from collections.abc import Iterator

from meetings.recording.payloads import vp8_part, vp9_part
from meetings.relay.codecs import is_keyframe_start, parse_vp8, rewrite_vp8
from meetings.relay.dataplane.portable.router import Router
from meetings.relay.dataplane.portable.transport import Transport
from meetings.relay.errors import MalformedPacket
from meetings.relay.interface import RtpHeader
from meetings.relay.plane import StreamSettings, SubscriptionSettings
from meetings.relay.rtp import Kind, classify, is_padding_only, parse_rtp
from meetings.relay.sdp import Codec
from tests.peers.rtp import rebuild_rtp

_CODECS = tuple(Codec(96, name, 90_000) for name in ("VP8", "VP9", "H264", "AV1"))
_MOST_PACKETS = 16


def run(data: bytes) -> None:
    codec = _CODECS[data[0] % 4] if data else _CODECS[0]
    router = _router(codec)
    stream, down = router.transports[1].streams[0xCAFE], router.subscriptions[3]
    now = 1.0
    for packet in packets(data[1:]):
        assert classify(packet) in Kind
        try:
            header = parse_rtp(packet)
        except MalformedPacket:
            continue
        _read(packet, header, codec)
        now += 0.01
        if stream.received(header, packet, now):
            out = down.forward(stream, header, now, 0)
            assert len(out) <= len(packet) + 32, "a packet grew"
            if out:
                assert parse_rtp(out).ssrc == down.ssrc
        else:
            down.skip(stream, header)


def _router(codec: Codec) -> Router:
    """One stream of two layers' track, and one subscriber of it."""
    router = Router(voices=8)
    for number in (1, 2):
        router.transports[number] = Transport(number, None)  # type: ignore[arg-type]
    for ssrc, quality in ((0xCAFE, 0), (0xBEEF, 1)):
        settings = StreamSettings(
            1, ssrc, 9, quality, codec.name.upper(), codec.payload_type, codec.clock_rate
        )
        router.add_stream(settings)
    extensions = {"mid_extension": 4, "send_time_extension": 2}
    router.subscribe(SubscriptionSettings(3, 2, 9, 77, 96, 90_000, mid=b"5", rtx=(78, 97), **extensions))
    router.steer(3, 0xCAFE)
    return router


def packets(data: bytes) -> Iterator[bytes]:
    position = 0
    for _ in range(_MOST_PACKETS):
        if position + 2 > len(data):
            return
        size = int.from_bytes(data[position : position + 2], "big") % 1501
        yield data[position + 2 : position + 2 + size]
        position += 2 + size


def _read(packet: bytes, header: RtpHeader, codec: Codec) -> None:
    assert 12 <= header.payload_offset <= len(packet) - header.padding <= len(packet)
    payload = packet[header.payload_offset : len(packet) - header.padding]
    is_padding_only(packet, header)
    again = rebuild_rtp(
        packet,
        header,
        payload_type=header.payload_type,
        sequence=header.sequence,
        timestamp=header.timestamp,
        ssrc=header.ssrc,
        extensions=[(number, value) for number, value in header.extensions.items() if number],
    )
    read = parse_rtp(again)
    assert again[read.payload_offset :] == payload
    assert (read.marker, read.payload_type, read.sequence, read.timestamp, read.ssrc) == (
        header.marker,
        header.payload_type,
        header.sequence,
        header.timestamp,
        header.ssrc,
    )
    assert read.extensions == header.extensions
    is_keyframe_start(codec.mime("video"), payload)
    vp9_part(payload)
    vp8_part(payload)
    _vp8(payload)


def _vp8(payload: bytes) -> None:
    picture = parse_vp8(payload)
    if picture is None:
        return
    assert picture.size <= len(payload)
    new = rewrite_vp8(payload, picture, picture_id=0x1234, tl0_picture_index=0x156)
    read = parse_vp8(new)
    assert read is not None
    assert new[read.size :] == payload[picture.size :]
    assert (read.size, read.keyframe) == (picture.size, picture.keyframe)
    if picture.tl0_picture_index is not None:
        assert read.tl0_picture_index == 0x56
    if picture.picture_id_bits:
        assert read.picture_id == 0x1234 & (1 << picture.picture_id_bits) - 1


def seeds() -> Iterator[bytes]:
    keyframes = (
        bytes((0x90, 0xE0, 0x81, 0x23, 7, 0x40)) + bytes(12),
        bytes((0x8A, 0x92, 0x34, 0x18)) + bytes((0, 64, 0, 64)) + bytes(9),
        bytes((0x78, 0, 4, 0x67, 1, 2, 3, 0, 4, 0x65, 1, 2, 3)),
        bytes((0x18, 0x0A, 0x0B)) + bytes(10),
    )
    for number, keyframe in enumerate(keyframes):
        made = b""
        for sequence in range(4):
            header = RtpHeader(sequence == 3, 96, sequence, 3000, 0xCAFE, 0, 0, {})
            extensions = [(4, b"0"), (10, b"q"), (3, sequence.to_bytes(2, "big"))]
            if sequence == 2:
                extensions.append((200, bytes(20)))  # needs the two-byte form (RFC 8285 §4.3)
            packet = rebuild_rtp(
                keyframe,
                header,
                payload_type=96,
                sequence=65_534 + sequence,
                timestamp=3000,
                ssrc=0xCAFE,
                extensions=extensions,
            )
            made += len(packet).to_bytes(2, "big") + packet
        yield bytes((number,)) + made
    padding = bytes.fromhex("a0600001000000000000cafe") + bytes(3) + b"\x04"
    yield b"\0" + len(padding).to_bytes(2, "big") + padding
