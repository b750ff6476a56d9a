"""A datagram's way in: whose it is, what it holds, which stream it belongs to, who hears it."""

from collections import Counter

from pylibsrtp import Error as SrtpError

from meetings.relay.dataplane.addresses import AddressBook
from meetings.relay.dataplane.portable.inbox import ControlInbox
from meetings.relay.dataplane.portable.outbox import Outbox
from meetings.relay.dataplane.portable.router import Router, Track
from meetings.relay.dataplane.portable.stream import Stream
from meetings.relay.dataplane.portable.transport import EARLY, Transport
from meetings.relay.errors import MalformedPacket
from meetings.relay.interface import Address, Clock, RtpHeader
from meetings.relay.rtp import Kind, classify, parse_rtp


class Intake:
    """Takes in everything but STUN. What nobody can use is counted."""

    def __init__(
        self, router: Router, addresses: AddressBook, outbox: Outbox, clock: Clock, counters: Counter[str]
    ) -> None:
        self._router, self._addresses, self._outbox = router, addresses, outbox
        self._clock, self._counters = clock, counters
        self._inbox = ControlInbox(router, outbox, counters)

    def take(self, data: bytes, kind: Kind, address: Address) -> None:
        """A datagram as it came."""
        holder = self._addresses.holder(address)
        peer = self._router.transports.get(holder) if holder is not None else None
        if peer is None:
            self._counters["strangers"] += 1
        elif kind is Kind.RTP or kind is Kind.RTCP:
            self._protected(peer, data, kind)
        elif kind is Kind.DTLS:
            peer.events.dtls_received(data)
        else:
            self._counters["unknown"] += 1

    def secured(self, peer: Transport) -> None:
        """The keys are here: what came before them is taken in now."""
        early, peer.early = peer.early, []
        for data in early:
            self._protected(peer, data, classify(data))

    def _protected(self, peer: Transport, data: bytes, kind: Kind) -> None:
        sessions = peer.sessions
        if sessions is None:
            # The first words and the first keyframe may overtake the end of the handshake.
            if len(peer.early) < EARLY:
                peer.early.append(data)
            else:
                self._counters["early_dropped"] += 1
            return
        try:
            if kind is Kind.RTP:
                packet = sessions.receive.unprotect(data)
                header = parse_rtp(packet)
            else:
                packet = sessions.receive.unprotect_rtcp(data)
        except (SrtpError, ValueError, MalformedPacket):
            self._counters["unprotect_failed"] += 1
            return
        # Outside: an error of ours is no packet that could not be read.
        now = self._clock.monotonic()
        if kind is Kind.RTP:
            self._rtp(peer, header, packet, now)
        else:
            self._inbox.take(peer, packet, now)

    def _rtp(self, peer: Transport, header: RtpHeader, packet: bytes, now: float) -> None:
        peer.received_packets += 1
        peer.received_octets += len(packet)
        if peer.congestion is not None:
            number = header.extensions.get(peer.congestion[0])
            if number is not None and len(number) == 2:
                peer.congestion[1].add(int.from_bytes(number, "big"), header.ssrc, now)
        stream = peer.streams.get(header.ssrc)
        if stream is None:
            if header.ssrc in peer.repairs:
                self._repair(peer, header, packet, now)
                return
            peer.events.rtp_unknown(header, packet, now)
            stream = peer.streams.get(header.ssrc)
            if stream is None:
                if header.ssrc in peer.repairs:
                    self._repair(peer, header, packet, now)
                else:
                    self._counters["unknown_ssrc"] += 1
                return
        self._media(stream, header, packet, now, repair=False)

    def _repair(self, peer: Transport, header: RtpHeader, packet: bytes, now: float) -> None:
        """RFC 4588 §4: the payload begins with the number of the packet that is repeated."""
        stream, payload_type = peer.repairs[header.ssrc]
        end = len(packet) - header.padding
        if header.payload_type != payload_type or end - header.payload_offset < 2:
            self._counters["repair_dropped"] += 1  # a probe carries padding only
            return
        at = header.payload_offset
        header.sequence = packet[at] << 8 | packet[at + 1]
        header.ssrc, header.payload_type = stream.ssrc, stream.settings.payload_type
        header.payload_offset = at + 2
        self._media(stream, header, packet, now, repair=True)

    def _media(self, stream: Stream, header: RtpHeader, packet: bytes, now: float, *, repair: bool) -> None:
        accepted = stream.received(header, packet, now, repair=repair)
        track = self._router.find_track(stream.track)
        if track is None:
            return
        if not accepted or track.muted:
            for subscription in track.subscriptions:
                subscription.skip(stream, header)
            return
        audible = stream.audible = self._heard(stream, header, now)
        for tap in track.taps:
            tap.packet(stream.ssrc, header, packet, now)
        if audible:
            self._forward(track, stream, header, now)
        else:
            for subscription in track.subscriptions:
                subscription.skip(stream, header)

    def _heard(self, stream: Stream, header: RtpHeader, now: float) -> bool:
        """Takes note of the packet's loudness; False where louder voices are forwarded instead."""
        group, extension = self._router.voices_of(stream), stream.settings.level_extension
        value = header.extensions.get(extension) if extension is not None else None
        if not value:
            return group is None or group.hear(stream.track, None, now)
        level = value[0] & 0x7F
        stream.hear(level, now)
        return group is None or group.hear(stream.track, level, now, voice=value[0] > 0x7F)

    def _forward(self, track: Track, stream: Stream, header: RtpHeader, now: float) -> None:
        transports = self._router.transports
        for subscription in track.subscriptions:
            peer = transports.get(subscription.transport)
            if peer is not None and peer.sessions is not None and peer.route is not None:
                out = subscription.forward(stream, header, now, peer.departures.number())
                if out:
                    self._outbox.media(peer, subscription, out, now)
