"""A subscriber's transport-wide feedback, as of browsers (draft-holmer-rmcat-transport-wide-cc-extensions).

Packets are not looked at one by one: the number's place in the header is found once for each source.
"""

import struct
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from tests.bench.relay.ears import HEADER, STAMP

TICK: Final = 250_000  # ns
_REFERENCE: Final = 64_000_000  # ns
_FORMAT: Final = struct.Struct("!BBHIIHHI")
_LARGE_DELTA: Final = 2
_MOST: Final = 500  # packets told of at once; a run-length chunk could hold 8,191


class Congestion:
    """`identifier`: the extension's id."""

    def __init__(self, identifier: int) -> None:
        self._identifier = identifier
        self._places: dict[int, int] = {}
        self._told = 0
        self._count = 0
        self._next: int | None = None

    def packets(self, headers: list[bytes], stamps: list[bytes]) -> list[bytes]:
        """Of everything that was heard since the last call."""
        fields = np.frombuffer(b"".join(headers[self._told :]), np.uint8).reshape(-1, HEADER)
        times = np.frombuffer(b"".join(stamps[self._told :]), np.int64).reshape(-1, STAMP // 8)
        self._told = len(headers)
        rtp = (fields[:, 0] >> 6 == 2) & ((fields[:, 1] < 192) | (fields[:, 1] > 223))
        fields, times = fields[rtp], times[rtp]
        places = self._places_of(fields)
        rows = np.flatnonzero(places)
        numbers = fields[rows, places[rows]].astype(np.int64) << 8 | fields[rows, places[rows] + 1]
        arrived = times[rows, 2] * 1_000_000_000 + times[rows, 3]
        if len(rows) and self._next is None:
            self._next = int(numbers[0])
        return list(self._written(numbers, arrived)) if len(rows) else []

    def _places_of(self, fields: Any) -> Any:
        ssrcs = fields[:, 8:12].copy().view(">u4")[:, 0]
        places = np.zeros(len(fields), np.int64)
        for ssrc in np.unique(ssrcs):
            mine = ssrcs == ssrc
            if int(ssrc) not in self._places:
                self._places[int(ssrc)] = place(bytes(fields[mine][0]), self._identifier)
            places[mine] = self._places[int(ssrc)]
        return places

    def _written(self, numbers: Any, arrived: Any) -> Iterator[bytes]:
        """As many as are needed; a number that came again or late is not told a second time."""
        assert self._next is not None
        relative = ((numbers - self._next + 0x8000) & 0xFFFF) - 0x8000
        order = np.argsort(relative, kind="stable")
        relative, arrived = relative[order], arrived[order]
        fresh = np.diff(relative, prepend=-1) > 0
        relative, arrived = relative[fresh & (relative >= 0)], arrived[fresh & (relative >= 0)]
        while len(relative):
            now = relative < _MOST
            if not now.any():  # a hole as long as a whole packet: those are lost
                self._next, relative = (self._next + _MOST) & 0xFFFF, relative - _MOST
                continue
            yield self._one(relative[now], arrived[now])
            told = int(relative[now][-1]) + 1
            self._next = (self._next + told) & 0xFFFF
            relative, arrived = relative[~now] - told, arrived[~now]

    def _one(self, relative: Any, arrived: Any) -> bytes:
        """Numbers between that did not come are told as lost."""
        count = int(relative[-1]) + 1
        reference = int(arrived[0]) // _REFERENCE
        ticks = arrived // TICK - reference * (_REFERENCE // TICK)
        deltas = np.diff(ticks, prepend=0).astype(">i2")
        status = np.zeros(count + -count % 7, np.uint16)
        status[relative] = _LARGE_DELTA
        shifted = status.reshape(-1, 7) << np.arange(12, -1, -2, dtype=np.uint16)
        chunks = shifted.sum(axis=1, dtype=np.uint16) | 0xC000
        body = chunks.astype(">u2").tobytes() + deltas.tobytes()
        body += bytes(-len(body) % 4)
        head = _FORMAT.pack(
            *(0x80 | 15, 205, 4 + len(body) // 4, 1, 0, self._next, count),
            (reference & 0xFFFFFF) << 8 | self._count,
        )
        self._count = self._count + 1 & 0xFF
        return head + body


def place(header: bytes, identifier: int) -> int:
    """Where the element's data begin in a packet (RFC 8285 §4.2); 0 where there is none."""
    at = 12 + 4 * (header[0] & 0x0F)
    if not header[0] & 0x10 or header[at : at + 2] != b"\xbe\xde":
        return 0
    end = at + 4 + 4 * int.from_bytes(header[at + 2 : at + 4], "big")
    at += 4
    while at < min(end, len(header)):
        if header[at] >> 4 == identifier:
            return at + 1
        at += 1 if header[at] == 0 else 2 + (header[at] & 0x0F)
    return 0
