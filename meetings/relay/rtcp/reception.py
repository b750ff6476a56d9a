"""Loss and jitter of one incoming stream (RFC 3550 sections 6.4.1, A.3 and A.8)."""

from meetings.relay.rtcp.packets import ReportBlock
from meetings.relay.rtp import SequenceUnwrapper

# RFC 3550 A.1: a jump beyond this is a restarted sender, not loss.
_MAX_DROPOUT = 3000


class ReceptionStatistics:
    """Counts what arrives on one SSRC; `clock_rate` in Hz."""

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._last_report: tuple[int, int] = (0, 0)
        self._sender_report: tuple[int, float] | None = None
        self._transit: int | None = None
        self._jitter = 0.0
        self._last_timestamp: int | None = None
        self._restart()

    def _restart(self) -> None:
        self._unwrapper = SequenceUnwrapper()
        self._base: int | None = None
        self._highest = 0
        self._received = 0
        self._last_report = (0, 0)

    def add(self, sequence: int, timestamp: int, now: float) -> None:
        """A packet arrived at `now` seconds."""
        number = self._unwrapper.unwrap(sequence)
        if self._base is not None and abs(number - self._highest) > _MAX_DROPOUT:
            self._restart()
            number = self._unwrapper.unwrap(sequence)
        if self._base is None:
            self._base = self._highest = number
        self._highest = max(self._highest, number)
        self._received += 1
        self._add_jitter(timestamp, now)

    def _add_jitter(self, timestamp: int, now: float) -> None:
        # Packets of one frame share a timestamp and leave paced: their spacing says nothing of jitter.
        if timestamp == self._last_timestamp:
            return
        self._last_timestamp = timestamp
        transit = (int(now * self._clock_rate) - timestamp) & 0xFFFFFFFF
        if self._transit is not None:
            change = (transit - self._transit + 0x80000000) % 0x100000000 - 0x80000000
            self._jitter += (abs(change) - self._jitter) / 16
        self._transit = transit

    @property
    def packets_lost(self) -> int:
        """Expected less received since the stream began; below zero with duplicates."""
        return self._expected - self._received

    @property
    def _expected(self) -> int:
        return 0 if self._base is None else self._highest - self._base + 1

    def sender_report_seen(self, ntp: int, now: float) -> None:
        """The sender's report with this 64-bit NTP time arrived at `now`."""
        self._sender_report = (ntp, now)

    def report_block(self, ssrc: int, now: float) -> ReportBlock:
        """The report on `ssrc`; the lost fraction covers the time since the report before."""
        expected, received = self._expected, self._received
        expected_before, received_before = self._last_report
        self._last_report = (expected, received)
        span = expected - expected_before
        lost = span - (received - received_before)
        lsr = dlsr = 0
        if self._sender_report is not None:
            ntp, at = self._sender_report
            lsr = ntp >> 16 & 0xFFFFFFFF
            dlsr = min(max(int((now - at) * 65536), 0), 0xFFFFFFFF)
        return ReportBlock(
            ssrc=ssrc,
            fraction_lost=min(lost * 256 // span, 255) if span > 0 and lost > 0 else 0,
            packets_lost=min(max(expected - received, -0x800000), 0x7FFFFF),
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=min(int(self._jitter), 0xFFFFFFFF),
            lsr=lsr,
            dlsr=dlsr,
        )
