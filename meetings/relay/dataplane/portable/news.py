"""When a subscriber's feedback is worth telling: nobody need hear twenty times a second that all is well."""

from dataclasses import replace
from typing import Final

from meetings.relay.plane import CongestionReport

_CALM: Final = 1.0  # seconds, while nothing happens
_ATTENTION: Final = 5.0  # for so long after something has happened every feedback is told
# A queue that has grown by so much (µs) is something; half of what counts as over-use.
_GROWN: Final = 10_000


class News:
    """Digests of one transport that were not told yet, as one."""

    def __init__(self) -> None:
        self._pending: CongestionReport | None = None
        self._told_at = self._attentive_until = float("-inf")

    def attend(self, now: float) -> None:
        """Every feedback counts now: a probe is on its way."""
        self._attentive_until = now + _ATTENTION

    def add(self, report: CongestionReport, now: float) -> CongestionReport | None:
        """What is to be told now."""
        total = report if self._pending is None else _sum(self._pending, report)
        if total.lost or total.arrival_span_us - total.sent_span_us > _GROWN:
            self.attend(now)
        if now - self._told_at >= _CALM or now < self._attentive_until:
            self._pending, self._told_at = None, now
            return total
        self._pending = total
        return None


def _sum(before: CongestionReport, report: CongestionReport) -> CongestionReport:
    return replace(
        report,
        received=before.received + report.received,
        lost=before.lost + report.lost,
        octets=before.octets + report.octets,
        sent_span_us=before.sent_span_us + report.sent_span_us,
        arrival_span_us=before.arrival_span_us + report.arrival_span_us,
    )
