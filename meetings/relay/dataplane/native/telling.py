"""What the thread tells of packets, passed on to those whom it concerns."""

from collections import Counter

from meetings.relay.dataplane.native.records import CONGESTION, DTLS, RTCP, UNKNOWN, Record, congestion
from meetings.relay.errors import MalformedPacket
from meetings.relay.plane import PacketTap, TransportEvents
from meetings.relay.rtp import parse_rtp


def tell_peer(events: TransportEvents, record: Record, counters: Counter[str]) -> None:
    """A record of one transport; what cannot be read is counted."""
    if record.kind == DTLS:
        events.dtls_received(record.data)
    elif record.kind == RTCP:
        events.rtcp_received(record.data, record.at)
    elif record.kind == CONGESTION:
        events.congestion(congestion(record))
    elif record.kind == UNKNOWN:
        try:
            header = parse_rtp(record.data)
        except MalformedPacket:
            counters["malformed"] += 1
            return
        events.rtp_unknown(header, record.data, record.at)


class Taps:
    """Who listens to which track."""

    def __init__(self) -> None:
        self._by_track: dict[int, tuple[PacketTap, ...]] = {}

    def has(self, track: int, tap: PacketTap) -> bool:
        return tap in self._by_track.get(track, ())

    def add(self, track: int, tap: PacketTap) -> None:
        if not self.has(track, tap):
            self._by_track[track] = (*self._by_track.get(track, ()), tap)

    def remove(self, track: int, tap: PacketTap) -> bool:
        """True while others still listen to the track."""
        rest = tuple(other for other in self._by_track.pop(track, ()) if other is not tap)
        if rest:
            self._by_track[track] = rest
        return bool(rest)

    def clear(self) -> None:
        self._by_track.clear()

    def tell(self, record: Record) -> None:
        """A media packet of a track that was listened to when it came."""
        taps = self._by_track.get(record.number, ())
        header = parse_rtp(record.data) if taps else None
        for tap in taps:
            if header is not None:
                tap.packet(header.ssrc, header, record.data, record.at)
