"""Receiving in batches (`recvmmsg`) with the kernel's time of arrival, without looking at each packet."""

import socket
from collections.abc import Callable
from typing import Any, Final

import cffi

BATCH: Final = 64
HEADER: Final = 40  # of each packet that many bytes are kept: its extensions too
STAMP: Final = 32  # a control message with a timespec (man 7 socket, SO_TIMESTAMPNS)
_REST: Final = 2048 - HEADER
_SO_TIMESTAMPNS: Final = 35
_DONT_WAIT: Final = int(socket.MSG_DONTWAIT)

_ffi = cffi.FFI()
_ffi.cdef("""
struct iovec { void *iov_base; size_t iov_len; };
struct msghdr { void *msg_name; uint32_t msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
                void *msg_control; size_t msg_controllen; int msg_flags; };
struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
int recvmmsg(int, struct mmsghdr *, unsigned int, int, void *);
""")
_libc = _ffi.dlopen(None)


class Ears:
    """`other(peer, datagram)` gets whatever is no RTP packet. What is heard is kept as bytes, to be counted
    when the run is over: a packet costs its receiver about a microsecond."""

    def __init__(self, payload_types: set[int], other: Callable[[int, bytes], None]) -> None:
        self._media = bytes(kind | marker for kind in payload_types for marker in (0, 128))
        self._other = other
        self._headers = _ffi.new("unsigned char[]", BATCH * HEADER)
        self._rests = _ffi.new("unsigned char[]", BATCH * _REST)
        self._stamps = _ffi.new("unsigned char[]", BATCH * STAMP)
        self._parts = _ffi.new("struct iovec[]", 2 * BATCH)
        self._messages = _ffi.new("struct mmsghdr[]", BATCH)
        self._header_view = _ffi.buffer(self._headers)
        self._stamp_view = _ffi.buffer(self._stamps)
        for number in range(BATCH):
            self._prepare(number)
        self.heard: dict[int, tuple[list[bytes], list[bytes]]] = {}
        self.samples: list[tuple[int, bytes]] = []
        self.latest: dict[int, bytes] = {}
        self.learning = True  # of each source one packet is kept whole
        self._known: set[tuple[int, bytes]] = set()
        self._turn = 0

    def _prepare(self, number: int) -> None:
        header, rest = self._parts[2 * number], self._parts[2 * number + 1]
        header.iov_base, header.iov_len = self._headers + number * HEADER, HEADER
        rest.iov_base, rest.iov_len = self._rests + number * _REST, _REST
        message = self._messages[number].msg_hdr
        message.msg_iov, message.msg_iovlen = self._parts + 2 * number, 2
        message.msg_control, message.msg_controllen = self._stamps + number * STAMP, STAMP

    def drain(self, peer: int, descriptor: int) -> int:
        """Takes all that waits in a socket; how many datagrams."""
        total = 0
        while True:
            count = int(_libc.recvmmsg(descriptor, self._messages, BATCH, _DONT_WAIT, _ffi.NULL))
            if count <= 0:
                return total
            total += count
            headers = self._header_view[: count * HEADER]
            if headers[1::HEADER].translate(None, self._media):
                self._sort(peer, headers, count)
            kept = self.heard.setdefault(peer, ([], []))
            kept[0].append(headers)
            kept[1].append(self._stamp_view[: count * STAMP])
            self.latest[peer] = headers[-HEADER:]
            if self.learning:
                self._learn(peer, headers, count)
            self._turn += 1
            if self._turn % 16 == 0 and not self.learning:
                self.samples.append((peer, self._whole(self._turn // 16 % count)))
            if count < BATCH:
                return total

    def _sort(self, peer: int, headers: bytes, count: int) -> None:
        """Others' headers stay among the kept ones: their payload type tells them apart."""
        for number in range(count):
            if headers[number * HEADER] < 128 or 192 <= headers[number * HEADER + 1] <= 223:
                self._other(peer, self._whole(number))

    def _learn(self, peer: int, headers: bytes, count: int) -> None:
        for number in range(count):
            source = peer, headers[number * HEADER + 8 : number * HEADER + 12]
            if source not in self._known:
                self._known.add(source)
                self.samples.append((peer, self._whole(number)))

    def _whole(self, number: int) -> bytes:
        length = self._messages[number].msg_len
        rest: Any = _ffi.buffer(self._rests + number * _REST, max(0, length - HEADER))
        return (self._header_view[number * HEADER : (number + 1) * HEADER] + rest[:])[:length]


def stamped(sock: socket.socket) -> None:
    """Asks for arrival times, and for room for a pause of the generator."""
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
