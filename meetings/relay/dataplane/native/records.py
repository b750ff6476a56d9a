"""What the thread tells, as src/events.rs writes it into one buffer."""

import socket
from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from meetings.relay.interface import Address
from meetings.relay.plane import CongestionReport

CLOSED, STUN, DTLS, RTCP, UNKNOWN, CONGESTION, TAPPED = range(1, 8)

# Kind, number of a transport or track, length of the data, µs, and two addresses: family, port, bytes.
_HEADER: Final = Struct("=IIIQHH16sHH16s")
_CONGESTION: Final = Struct("=IIQqq")


class Record(NamedTuple):
    """`at`: monotonic seconds. `source` and `local` are those of STUN."""

    kind: int
    number: int
    at: float
    data: bytes
    source: Address
    local: str


def records(buffer: bytes) -> Iterator[Record]:
    """Reads all records of a buffer."""
    start = 0
    while start < len(buffer):
        kind, number, length, at, *addresses = _HEADER.unpack_from(buffer, start)
        start += _HEADER.size
        source, local = ("", 0), ""
        if kind == STUN:
            source = _ip(addresses[0], addresses[2]), addresses[1]
            local = _ip(addresses[3], addresses[5])
        yield Record(kind, number, at / 1e6, buffer[start : start + length], source, local)
        start += length


def congestion(record: Record) -> CongestionReport:
    """What a record of that kind holds."""
    received, lost, octets, sent_span, arrival_span = _CONGESTION.unpack(record.data)
    return CongestionReport(record.at, received, lost, octets, sent_span, arrival_span)


def _ip(family: int, packed: bytes) -> str:
    if family == 4:
        return socket.inet_ntop(socket.AF_INET, packed[:4])
    return socket.inet_ntop(socket.AF_INET6, packed) if family == 6 else ""
