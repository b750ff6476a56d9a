"""RTP headers as bytes in, bytes out (RFC 3550 section 5.1, RFC 8285).

The portable data plane calls this for every packet it forwards: no object per header field, no copies
but the outgoing packet.
"""

from enum import Enum
from struct import Struct

from meetings.relay.errors import MalformedPacket
from meetings.relay.interface import RtpHeader as RtpHeader

_FIXED = Struct("!BBHII")
_EXTENSION = Struct("!HH")

_VERSION_2 = 0x80
_HAS_PADDING = 0x20
_HAS_EXTENSION = 0x10
_ONE_BYTE_PROFILE = 0xBEDE
_TWO_BYTE_PROFILE = 0x1000


class Kind(Enum):
    """What a datagram on the shared port carries."""

    STUN = "stun"
    DTLS = "dtls"
    RTP = "rtp"
    RTCP = "rtcp"
    UNKNOWN = "unknown"


def classify(datagram: bytes) -> Kind:
    """Tell protocols on one port apart: RFC 7983, and RFC 5761 section 4 for RTP against RTCP."""
    if len(datagram) < 2:
        return Kind.UNKNOWN
    first = datagram[0]
    if 128 <= first <= 191:
        return Kind.RTCP if 192 <= datagram[1] <= 223 else Kind.RTP
    if first <= 3:
        return Kind.STUN
    if 20 <= first <= 63:
        return Kind.DTLS
    return Kind.UNKNOWN


def parse_rtp(packet: bytes) -> RtpHeader:
    """Read an RTP header; raises MalformedPacket whatever the bytes are."""
    size = len(packet)
    if size < 12 or packet[0] & 0xC0 != _VERSION_2:
        raise MalformedPacket("not an RTP packet")
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(packet)
    offset = 12 + 4 * (first & 15)
    extensions: dict[int, bytes] = {}
    if first & _HAS_EXTENSION:
        if offset + 4 > size:
            raise MalformedPacket("RTP header extension is cut short")
        profile, words = _EXTENSION.unpack_from(packet, offset)
        start = offset + 4
        offset = start + 4 * words
        if offset <= size:
            _read_extensions(packet, profile, start, offset, extensions)
    if offset > size:
        raise MalformedPacket("RTP header is longer than its packet")
    padding = 0
    if first & _HAS_PADDING:
        padding = packet[-1]
        if not 0 < padding <= size - offset:
            raise MalformedPacket("RTP padding is longer than its payload")
    return RtpHeader(second > 127, second & 127, sequence, timestamp, ssrc, offset, padding, extensions)


def _read_extensions(packet: bytes, profile: int, start: int, end: int, found: dict[int, bytes]) -> None:
    if profile == _ONE_BYTE_PROFILE:
        _read_one_byte(packet, start, end, found)
    elif profile & 0xFFF0 == _TWO_BYTE_PROFILE:
        _read_two_byte(packet, start, end, found)


def _read_one_byte(packet: bytes, position: int, end: int, found: dict[int, bytes]) -> None:
    while position < end:
        head = packet[position]
        position += 1
        if head == 0:
            continue
        identifier = head >> 4
        if identifier in (0, 15):  # RFC 8285 section 4.2: stop reading, keep what came before
            return
        stop = position + (head & 15) + 1
        if stop > end:
            raise MalformedPacket("RTP header extension element is cut short")
        found[identifier] = packet[position:stop]
        position = stop


def _read_two_byte(packet: bytes, position: int, end: int, found: dict[int, bytes]) -> None:
    while position < end:
        identifier = packet[position]
        if identifier == 0:
            position += 1
            continue
        if position + 2 > end:
            raise MalformedPacket("RTP header extension element is cut short")
        stop = position + 2 + packet[position + 1]
        if stop > end:
            raise MalformedPacket("RTP header extension element is cut short")
        found[identifier] = packet[position + 2 : stop]
        position = stop


def is_padding_only(packet: bytes, header: RtpHeader) -> bool:
    """True for a bandwidth probe: a packet whose payload is nothing but padding."""
    return header.payload_offset + header.padding >= len(packet)


def _extension_block(profile: int, elements: bytearray) -> bytes:
    elements += bytes(-len(elements) % 4)
    return _EXTENSION.pack(profile, len(elements) // 4) + elements


class HeaderExtensions:
    """The extensions of one outgoing stream, put together once; only values change from packet to packet.

    `mid`, `send_time` (abs-send-time) and `congestion` (transport-wide number) are the peer's identifiers,
    1 to 14; None leaves one out.
    """

    def __init__(
        self,
        mid: int | None = None,
        value: bytes = b"",
        send_time: int | None = None,
        congestion: int | None = None,
    ) -> None:
        elements = [(mid, value[:16] or b"0"), (send_time, bytes(3)), (congestion, bytes(2))]
        block = bytearray()
        starts: list[int] = []
        for identifier, content in elements:
            starts.append(len(block) + 5)  # behind the block's head and the element's
            if identifier is not None:
                block.append(identifier << 4 | len(content) - 1)
                block += content
        self._block = bytearray(_extension_block(_ONE_BYTE_PROFILE, block)) if block else bytearray()
        self._send_time = starts[1] if send_time is not None else 0
        self._congestion = starts[2] if congestion is not None else 0

    @property
    def counted(self) -> bool:
        """True where each packet carries a transport-wide number."""
        return self._congestion > 0

    def stamp(self, now: float, number: int = 0) -> bytes:
        """The block for a packet that leaves at `now` seconds with this transport-wide number."""
        if self._send_time:
            at = self._send_time
            self._block[at : at + 3] = abs_send_time(now)
        if self._congestion:
            at = self._congestion
            self._block[at : at + 2] = (number & 0xFFFF).to_bytes(2, "big")
        return bytes(self._block)


def assemble_rtp(
    marker: bool, payload_type: int, sequence: int, timestamp: int, ssrc: int, block: bytes, payload: bytes
) -> bytes:
    """A packet of parts that fit their fields; `block` as `HeaderExtensions.stamp` gives it."""
    first = _VERSION_2 | _HAS_EXTENSION if block else _VERSION_2
    second = payload_type | 128 if marker else payload_type
    return b"".join((_FIXED.pack(first, second, sequence, timestamp, ssrc), block, payload))


class SequenceUnwrapper:
    """Turns wrapping 16-bit numbers into ones that keep growing; may go below zero at the very start."""

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, value: int) -> int:
        """The extended number closest to the one given before."""
        if self._last is None:
            self._last = value
            return value
        self._last += ((value - self._last + 0x8000) & 0xFFFF) - 0x8000  # RFC 1982
        return self._last


def abs_send_time(now_wall: float) -> bytes:
    """The abs-send-time header extension: seconds as 6.18 bit fixed point, wrapping every 64 s."""
    return (int(now_wall * (1 << 18)) & 0xFFFFFF).to_bytes(3, "big")
