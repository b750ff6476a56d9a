"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).

Chromium falls to 30 kbit/s when it negotiated transport-cc and hears nothing, so every publisher's
connection has one recorder.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from struct import Struct

from meetings.relay.errors import MalformedPacket
from meetings.relay.rtcp.packets import TransportFeedback
from meetings.relay.rtp import SequenceUnwrapper

_HEAD = Struct("!BBHIIHH")
_CHUNK = Struct("!H")
_LARGE = Struct("!h")

_TICK_US = 250
_REFERENCE_US = 64_000
_MAX_RUN = 0x1FFF

# A few bytes of run-length chunks can claim 65,535 packets; genuine feedback is sent every 50 to 100 ms.
MAX_STATUSES = 4096

# With these a packet stays under 1,200 bytes: 20 of header, 2 per 7 statuses, 2 per packet received.
_SPAN = 2000
_RECEIVED = 280
_BYTES = 1200
_REORDER = 1000

_MISSING, _SMALL, _WIDE = 0, 1, 2


def parse_feedback(body: bytes) -> TransportFeedback:
    """Read what follows the four-byte RTCP header; raises MalformedPacket."""
    if len(body) < 16:
        raise MalformedPacket("transport feedback is cut short")
    ssrc = int.from_bytes(body[0:4], "big")
    media_ssrc = int.from_bytes(body[4:8], "big")
    base = int.from_bytes(body[8:10], "big")
    count = int.from_bytes(body[10:12], "big")
    reference = int.from_bytes(body[12:15], "big", signed=True)
    if count > MAX_STATUSES:
        raise MalformedPacket("transport feedback covers too many packets")
    symbols, position = _read_symbols(body, 16, count)
    received = tuple(_read_deltas(body, position, base, symbols))
    return TransportFeedback(ssrc, media_ssrc, base, body[15], reference, received)


def _read_symbols(body: bytes, position: int, count: int) -> tuple[list[int], int]:
    symbols: list[int] = []
    while len(symbols) < count:
        if position + 2 > len(body):
            raise MalformedPacket("transport feedback lacks status chunks")
        (chunk,) = _CHUNK.unpack_from(body, position)
        position += 2
        if chunk < 0x8000:
            symbols += [chunk >> 13] * min(chunk & _MAX_RUN, count - len(symbols))
            if not chunk & _MAX_RUN:
                raise MalformedPacket("transport feedback holds an empty run")
        elif chunk < 0xC000:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
        else:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
    return symbols[:count], position


def _read_deltas(
    body: bytes, position: int, base: int, symbols: Sequence[int]
) -> Iterator[tuple[int, int | None]]:
    for index, symbol in enumerate(symbols):
        sequence = (base + index) & 0xFFFF
        size = (0, 1, 2, 0)[symbol]  # the fourth symbol is reserved: treat it as not received
        if position + size > len(body):
            raise MalformedPacket("transport feedback lacks receive deltas")
        if size == 0:
            yield sequence, None
            continue
        ticks = body[position] if size == 1 else _LARGE.unpack_from(body, position)[0]
        position += size
        yield sequence, ticks * _TICK_US


def write_feedback(packet: TransportFeedback) -> bytes:
    """A complete RTCP packet. Deltas must fit 16 bits of 250 µs (ValueError otherwise)."""
    ticks = [None if delta is None else delta // _TICK_US for _, delta in packet.received]
    if any(tick is not None and not _fits(tick) for tick in ticks):
        raise ValueError("receive delta beyond ±8.19 s")
    symbols = [_symbol(tick) for tick in ticks]
    tail = bytearray()
    tail += (packet.reference_time & 0xFFFFFF).to_bytes(3, "big")
    tail.append(packet.feedback_count & 0xFF)
    for chunk in _chunks(symbols):
        tail += _CHUNK.pack(chunk)
    for tick in ticks:
        if tick is not None:
            tail += bytes((tick,)) if 0 <= tick <= 255 else _LARGE.pack(tick)
    tail += bytes(-len(tail) % 4)
    words = (_HEAD.size + len(tail)) // 4 - 1
    base = packet.base_sequence & 0xFFFF
    return _HEAD.pack(0x8F, 205, words, packet.ssrc, packet.media_ssrc, base, len(symbols)) + tail


def _fits(tick: int) -> bool:
    return -0x8000 <= tick <= 0x7FFF


def _symbol(tick: int | None) -> int:
    if tick is None:
        return _MISSING
    return _SMALL if 0 <= tick <= 255 else _WIDE


def _chunks(symbols: Sequence[int]) -> Iterator[int]:
    """Run-length chunks for long runs, else 14 one-bit or 7 two-bit symbols at a time."""
    runs = _run_lengths(symbols)
    position = 0
    while position < len(symbols):
        symbol, run = symbols[position], runs[position]
        if run >= 14 or (symbol == _WIDE and run >= 7):
            run = min(run, _MAX_RUN)
            yield symbol << 13 | run
            position += run
            continue
        ahead = symbols[position : position + 14]
        if _WIDE not in ahead:
            yield 0x8000 | sum(value << (13 - index) for index, value in enumerate(ahead))
            position += 14
        else:
            yield 0xC000 | sum(value << (12 - 2 * index) for index, value in enumerate(ahead[:7]))
            position += 7


def _run_lengths(symbols: Sequence[int]) -> list[int]:
    """For each position, how many equal symbols start there."""
    lengths: list[int] = []
    for _, group in groupby(symbols):
        lengths += range(sum(1 for _ in group), 0, -1)
    return lengths


class TwccRecorder:
    """Notes when packets arrive and writes the feedback for them.

    A packet that comes after its number was reported missing is reported again, together with its
    neighbours, from a history of the last thousand numbers.
    """

    def __init__(self, sender_ssrc: int = 1) -> None:
        self._sender_ssrc = sender_ssrc
        self._media_ssrc = 0
        self._unwrapper = SequenceUnwrapper()
        self._arrivals: dict[int, int] = {}
        self._start: int | None = None
        self._highest = 0
        self._count = 0

    def add(self, transport_sequence: int, ssrc: int, now: float) -> None:
        """A packet with this transport-wide number arrived at `now` seconds."""
        number = self._unwrapper.unwrap(transport_sequence)
        self._media_ssrc = ssrc
        if self._start is None:
            self._start = self._highest = number
        if number < self._highest - _REORDER or number in self._arrivals:
            return
        self._arrivals[number] = int(now * 1_000_000)
        self._start = min(self._start, number)
        if number > self._highest:
            self._highest = number
            if len(self._arrivals) > 2 * _SPAN:
                self._forget_before(number - _REORDER)

    def feedback(self) -> bytes | None:
        """RTCP packets, together at most 1,200 bytes; None once all is told. To be called every 50 to 100 ms.

        The work is bounded, too: a sender whose numbers leap could else have a thousand missing packets
        described for each one that it sends.
        """
        compound, statuses = b"", 0
        pending = self._pending()
        while pending:
            batch = self._next_batch(pending)
            described = self._describe(batch)
            packet = write_feedback(described)
            statuses += len(described.received)
            if compound and (len(compound) + len(packet) > _BYTES or statuses > _SPAN):
                break
            compound += packet
            self._count += 1
            self._start = batch[-1] + 1
            del pending[: len(batch)]
        if self._start is not None and len(self._arrivals) > _SPAN:
            self._forget_before(min(self._start, self._highest - _REORDER))
        return compound or None

    def _pending(self) -> list[int]:
        """Numbers received and not told of yet, oldest first."""
        start = self._start
        if start is None or start > self._highest:
            return []
        return sorted(number for number in self._arrivals if number >= start)

    def _next_batch(self, pending: Sequence[int]) -> list[int]:
        """The first of `pending` that one feedback packet can carry."""
        first = pending[0]
        clock = self._arrivals[first]
        batch: list[int] = []
        for number in pending[:_RECEIVED]:
            arrival = self._arrivals[number]
            # One tick of room for rounding: deltas add up from rounded times.
            if number - first >= _SPAN or not _fits(abs(arrival - clock) // _TICK_US + 1):
                break
            batch.append(number)
            clock = arrival
        return batch

    def _describe(self, batch: Sequence[int]) -> TransportFeedback:
        base = batch[0]
        if self._start is not None and batch[-1] - self._start < _SPAN:
            base = self._start  # what is missing before the first arrival is reported as lost, too
        reference = self._arrivals[batch[0]] // _REFERENCE_US
        clock = reference * _REFERENCE_US
        received: list[tuple[int, int | None]] = []
        for number in range(base, batch[-1] + 1):
            arrival = self._arrivals.get(number)
            delta = None
            if arrival is not None:
                delta = (arrival - clock) // _TICK_US * _TICK_US
                clock += delta
            received.append((number & 0xFFFF, delta))
        reference = (reference + 0x800000) % 0x1000000 - 0x800000
        return TransportFeedback(
            self._sender_ssrc, self._media_ssrc, base & 0xFFFF, self._count & 0xFF, reference, tuple(received)
        )

    def _forget_before(self, number: int) -> None:
        self._arrivals = {seen: at for seen, at in self._arrivals.items() if seen >= number}
