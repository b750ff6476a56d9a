"""One outgoing RTP stream made of several incoming ones: layer switches that a receiver does not notice."""

from collections import deque
from typing import Final, Protocol

from meetings.relay.codecs import Vp8Descriptor, rewrite_vp8
from meetings.relay.interface import SEND_NOTHING, RtpHeader
from meetings.relay.plane import SenderClock
from meetings.relay.rtcp import SenderReport
from meetings.relay.rtp import SequenceUnwrapper, assemble_rtp

# Late packets keep the offset of their time; one from before this many gaps would take another's number.
_GAPS: Final = 64
_NTP_SECOND: Final = 1 << 32
# Reports that put a new layer further ahead of its arrival than this (seconds) tell of a clock that was set.
_REPORT_ERROR: Final = 2


class SequenceMap:
    """Outgoing sequence numbers without holes where probes were left out, and across sources."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._start()

    def _start(self) -> None:
        self._unwrapper = SequenceUnwrapper()
        self._first: int | None = None
        self._highest = 0
        self._offset = 0
        self._gaps: deque[tuple[int, int]] = deque(maxlen=_GAPS)

    def restart(self) -> None:
        """Another source follows; its first packet continues the count."""
        self._start()

    def skip(self, sequence: int) -> None:
        """A packet is left out; closes its gap unless later packets have already gone."""
        number = self._unwrapper.unwrap(sequence)
        if self._first is None or number <= self._highest:
            return
        # Numbers skipped by loss just before the probe keep their place in the outgoing count.
        self._highest = number
        if self._gaps and self._gaps[-1][0] == number - 1:
            self._gaps[-1] = number, self._gaps[-1][1]  # a burst of probes is one gap
        else:
            if len(self._gaps) == _GAPS:
                self._first = self._gaps[0][0] + 1
            self._gaps.append((number, self._offset))
        self._offset -= 1

    def map(self, sequence: int) -> int | None:
        """The outgoing 16-bit number; None for a packet from before the source began or long ago."""
        number = self._unwrapper.unwrap(sequence)
        if self._first is None:
            self._first = self._highest = number
            self._offset = self._next - number
        if number < self._first:
            return None
        outgoing = number + (self._offset_at(number) if self._gaps else self._offset)
        if number > self._highest:
            self._highest = number
        if outgoing >= self._next:
            self._next = outgoing + 1
        return outgoing & 0xFFFF

    def _offset_at(self, number: int) -> int:
        for at, offset in self._gaps:
            if number <= at:
                return offset
        return self._offset


class Source(Protocol):
    """An incoming stream; `clock_rate` in Hz."""

    @property
    def clock_rate(self) -> int: ...

    @property
    def sender_clock(self) -> SenderClock | None: ...


class Rewriter:
    """Continues one stream's numbers, clock and VP8 picture ids from whichever source it is switched to."""

    def __init__(self, ssrc: int, first_sequence: int) -> None:
        self.ssrc = ssrc
        self.current: Source | None = None
        self.packets = self.octets = self.switches = 0
        self._sequences = SequenceMap(first_sequence)
        self._timestamp_offset = 0
        self._last_timestamp, self._last_at = 0, 0.0
        self._picture_offset = self._tl0_offset = 0
        self._last_picture, self._last_tl0 = -1, 0

    def switch(self, source: Source, header: RtpHeader, picture: Vp8Descriptor | None, now: float) -> None:
        """The packet with this header, for video a keyframe's first, continues what was sent."""
        if picture is not None and self.packets and self._last_picture >= 0:
            self._continue_pictures(picture)
        if self.packets:
            self._continue_clock(source, header, now)
        self._sequences.restart()
        self.switches += self.current is not None
        self.current = source

    def write(
        self,
        header: RtpHeader,
        payload: bytes,
        payload_type: int,
        block: bytes,
        picture: Vp8Descriptor | None,
        now: float,
    ) -> bytes:
        """The outgoing packet, `SEND_NOTHING` for one that comes too late. `block`: the header extensions;
        `picture` where the source has layers."""
        sequence = self._sequences.map(header.sequence)
        if sequence is None:
            return SEND_NOTHING
        timestamp = (header.timestamp + self._timestamp_offset) & 0xFFFFFFFF
        if picture is not None and picture.picture_id is not None:
            payload = self._renumbered(payload, picture)
        out = assemble_rtp(header.marker, payload_type, sequence, timestamp, self.ssrc, block, payload)
        self._last_timestamp, self._last_at = timestamp, now
        self.packets += 1
        self.octets += len(out) - 12
        return out

    def skip(self, header: RtpHeader) -> None:
        """A packet of the current source is left out: its number is closed up."""
        self._sequences.skip(header.sequence)

    def _continue_clock(self, source: Source, header: RtpHeader, now: float) -> None:
        wanted = self._same_instant(source, header)
        elapsed = max(1, int((now - self._last_at) * source.clock_rate))
        plausible = elapsed + _REPORT_ERROR * source.clock_rate
        if wanted is None or not 0 < (wanted - self._last_timestamp) & 0xFFFFFFFF < plausible:
            wanted = self._last_timestamp + elapsed
        self._timestamp_offset = (wanted - header.timestamp) & 0xFFFFFFFF

    def _same_instant(self, source: Source, header: RtpHeader) -> int | None:
        """The outgoing timestamp of the new source's packet by both sources' sender reports."""
        old = self.current.sender_clock if self.current else None
        new = source.sender_clock
        if old is None or new is None:
            return None
        seconds = (new.ntp - old.ntp) / _NTP_SECOND
        ahead = (header.timestamp - new.rtp_timestamp + 0x80000000) % 0x100000000 - 0x80000000
        at_new_report = old.rtp_timestamp + int(seconds * source.clock_rate)
        return (at_new_report + ahead + self._timestamp_offset) & 0xFFFFFFFF

    def _continue_pictures(self, picture: Vp8Descriptor) -> None:
        if picture.picture_id is not None:
            self._picture_offset = self._last_picture + 1 - picture.picture_id
        if picture.tl0_picture_index is not None:
            self._tl0_offset = self._last_tl0 + 1 - picture.tl0_picture_index

    def _renumbered(self, payload: bytes, picture: Vp8Descriptor) -> bytes:
        width = (1 << picture.picture_id_bits) - 1
        number = ((picture.picture_id or 0) + self._picture_offset) & width
        tl0 = ((picture.tl0_picture_index or 0) + self._tl0_offset) & 0xFF
        if self._last_picture < 0 or (number - self._last_picture) & width <= width >> 1:
            self._last_picture, self._last_tl0 = number, tl0  # a late packet does not turn the count back
        if not self._picture_offset and not self._tl0_offset:
            return payload
        return rewrite_vp8(payload, picture, picture_id=number, tl0_picture_index=tl0)

    def sender_report(self, now: float) -> SenderReport | None:
        """The publisher's clock pair, carried forward to `now` and into this SSRC's timestamps."""
        source = self.current
        if source is None or source.sender_clock is None or not self.packets:
            return None
        clock = source.sender_clock
        passed = now - clock.at
        timestamp = clock.rtp_timestamp + int(passed * source.clock_rate) + self._timestamp_offset
        return SenderReport(
            ssrc=self.ssrc,
            ntp=(clock.ntp + int(passed * _NTP_SECOND)) & 0xFFFFFFFFFFFFFFFF,
            rtp_timestamp=timestamp & 0xFFFFFFFF,
            packet_count=self.packets & 0xFFFFFFFF,
            octet_count=self.octets & 0xFFFFFFFF,
        )
