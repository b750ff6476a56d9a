"""What the portable plane keeps for one peer."""

from typing import Final

from meetings.relay.dataplane.datagrams import Route
from meetings.relay.dataplane.portable.departures import Departures
from meetings.relay.dataplane.portable.news import News
from meetings.relay.dataplane.portable.probe import Probe
from meetings.relay.dataplane.portable.stream import Stream
from meetings.relay.dataplane.portable.subscription import Subscription
from meetings.relay.interface import SrtpSessions
from meetings.relay.plane import TransportEvents, TransportReport
from meetings.relay.rtcp import TwccRecorder

# What a client sends between its last DTLS flight and the moment its keys are here: some milliseconds.
EARLY: Final = 64


class Transport:
    """`subscriptions` are found by their SSRC, `repairs` by that of the RTX stream."""

    def __init__(self, number: int, events: TransportEvents) -> None:
        self.number, self.events = number, events
        self.sessions: SrtpSessions | None = None
        self.route: Route | None = None
        self.local = ""  # our address on that route
        self.early: list[bytes] = []
        self.streams: dict[int, Stream] = {}
        self.repairs: dict[int, tuple[Stream, int]] = {}
        self.subscriptions: dict[int, Subscription] = {}
        self.used_ssrcs: set[int] = set()
        self.congestion: tuple[int, TwccRecorder] | None = None
        self.departures = Departures()
        self.news = News()
        self.probe: Probe | None = None
        self.sent_packets = self.sent_octets = self.received_packets = self.received_octets = 0
        self.send_dropped = 0

    def report(self) -> TransportReport:
        return TransportReport(
            self.sent_packets,
            self.sent_octets,
            self.received_packets,
            self.received_octets,
            self.send_dropped,
        )
