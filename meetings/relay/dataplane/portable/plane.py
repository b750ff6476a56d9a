"""The data plane in plain Python: no compiler needed, one event loop, no task or await per packet."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping

from pylibsrtp import Error as SrtpError

from meetings.relay.dataplane.addresses import AddressBook
from meetings.relay.dataplane.datagrams import Ancillary, Datagrams, local_address
from meetings.relay.dataplane.portable.feedback import CONGESTION, REPORTS, TICK, compounds, reports, requests
from meetings.relay.dataplane.portable.inbox import ControlInbox
from meetings.relay.dataplane.portable.outbox import Outbox
from meetings.relay.dataplane.portable.probe import Probe
from meetings.relay.dataplane.portable.router import Router, Track
from meetings.relay.dataplane.portable.stream import Stream
from meetings.relay.dataplane.portable.transport import EARLY, Transport
from meetings.relay.errors import MalformedPacket
from meetings.relay.interface import Address, Clock, RtpHeader, SrtpSessions, SystemClock
from meetings.relay.plane import (
    PacketTap,
    StreamReport,
    StreamSettings,
    SubscriptionReport,
    SubscriptionSettings,
    TransportEvents,
    TransportReport,
)
from meetings.relay.rtcp import TwccRecorder
from meetings.relay.rtp import Kind, classify, parse_rtp

log = logging.getLogger("visio.relay")

# The datagram, its sender, and the address of ours that it was sent to.
StunReceived = Callable[[bytes, Address, str], bytes | None]


class PortablePlane:
    """`plane.DataPlane` on one UDP port. `stun_received(data, address, local)` returns the reply or None.

    `bind` empty: every address of both families. `voices`: how many of a group are forwarded.
    """

    def __init__(
        self,
        *,
        bind: str,
        port: int,
        stun_received: StunReceived,
        clock: Clock | None = None,
        max_addresses: int = 8,
        consent: float = 30.0,
        voices: int = 8,
    ) -> None:
        self._stun_received = stun_received
        self._clock: Clock = clock or SystemClock()
        self._counters: Counter[str] = Counter()
        self._addresses = AddressBook(
            self._clock, most=max_addresses, consent=consent, counters=self._counters
        )
        self._router = Router(voices=voices)
        self._datagrams = Datagrams(bind, port, self._datagram, self._counters)
        self._outbox = Outbox(self._datagrams, self._counters)
        self._inbox = ControlInbox(self._router, self._outbox, self._counters)
        self._timer: asyncio.Task[None] | None = None
        self._reported_at = self._fed_back_at = float("-inf")

    @property
    def name(self) -> str:
        return "portable"

    @property
    def port(self) -> int:
        return self._datagrams.port

    async def start(self) -> None:
        """Binds the sockets; raises OSError where the port is taken."""
        self._datagrams.start()
        self._timer = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            await asyncio.gather(self._timer, return_exceptions=True)
            self._timer = None
        self._datagrams.stop()
        self._router.clear()

    # Transports

    def open(self, transport: int, events: TransportEvents) -> None:
        self._router.transports[transport] = Transport(transport, events)

    async def close(self, transport: int) -> None:
        self._router.close(transport)
        self._addresses.forget(transport)

    def bind(self, transport: int, address: Address, *, preferred: bool, local: str = "") -> bool:
        peer = self._router.transports.get(transport)
        released = self._addresses.hold(transport, address) if peer is not None else None
        if peer is None or released is None:
            return False
        for holder, given_up in released:
            former = self._router.transports.get(holder)
            if former is not None and former.route is not None and former.route.address == given_up:
                former.route = None
        if preferred or peer.route is None:
            peer.route = self._datagrams.route(address, local)
        return True

    def send_datagram(self, transport: int, data: bytes) -> None:
        peer = self._router.transports.get(transport)
        if peer is not None and peer.route is not None:
            self._datagrams.send(data, peer.route)

    def secure(self, transport: int, sessions: SrtpSessions) -> None:
        peer = self._router.transports.get(transport)
        if peer is None:
            return
        peer.sessions = sessions
        early, peer.early = peer.early, []
        for data in early:
            self._protected(peer, data, classify(data))

    def watch_congestion(self, transport: int, extension: int) -> None:
        peer = self._router.transports.get(transport)
        if peer is not None and (peer.congestion is None or peer.congestion[0] != extension):
            peer.congestion = extension, TwccRecorder()

    def send_rtcp(self, transport: int, packet: bytes) -> None:
        peer = self._router.transports.get(transport)
        if peer is not None:
            self._outbox.rtcp(peer, packet)

    def probe(self, transport: int, bitrate: float, seconds: float) -> None:
        peer = self._router.transports.get(transport)
        if peer is not None:
            now = self._clock.monotonic()
            peer.probe = Probe(bitrate, seconds, now)
            peer.news.attend(now)

    # Streams

    def add_stream(self, settings: StreamSettings) -> None:
        self._router.add_stream(settings)

    def add_repair(self, transport: int, rtx_ssrc: int, ssrc: int, payload_type: int) -> None:
        peer = self._router.transports.get(transport)
        if peer is not None:
            self._router.add_repair(peer, rtx_ssrc, ssrc, payload_type)

    def remove_stream(self, transport: int, ssrc: int) -> None:
        peer = self._router.transports.get(transport)
        if peer is not None:
            self._router.remove_stream(peer, ssrc)

    def mute(self, track: int, muted: bool) -> None:
        self._router.mute(track, muted)

    def request_keyframe(self, transport: int, ssrc: int) -> None:
        peer = self._router.transports.get(transport)
        stream = peer.streams.get(ssrc) if peer else None
        if stream is not None:
            stream.request_keyframe()

    def tap(self, track: int, tap: PacketTap) -> None:
        self._router.tap(track, tap)

    def untap(self, track: int, tap: PacketTap) -> None:
        self._router.untap(track, tap)

    # Subscriptions

    def subscribe(self, settings: SubscriptionSettings) -> None:
        self._router.subscribe(settings)

    def steer(self, number: int, ssrc: int | None) -> None:
        self._router.steer(number, ssrc)

    def unsubscribe(self, number: int) -> None:
        subscription = self._router.unsubscribe(number)
        peer = self._router.transports.get(subscription.transport) if subscription else None
        if subscription is not None and peer is not None:
            self._outbox.forget(peer, subscription)

    # Reports

    def stream_report(self, transport: int, ssrc: int) -> StreamReport | None:
        peer = self._router.transports.get(transport)
        stream = peer.streams.get(ssrc) if peer else None
        return stream.report(audible=self._router.audible(stream)) if stream else None

    def subscription_report(self, number: int) -> SubscriptionReport | None:
        subscription = self._router.subscriptions.get(number)
        return subscription.report() if subscription else None

    def transport_report(self, transport: int) -> TransportReport | None:
        peer = self._router.transports.get(transport)
        return peer.report() if peer else None

    def counters(self) -> Mapping[str, int]:
        return dict(self._counters)

    def sizes(self) -> Mapping[str, int]:
        return {
            "transports": len(self._router.transports),
            "addresses": len(self._addresses),
            "streams": sum(1 for _ in self._router.streams()),
            "subscriptions": len(self._router.subscriptions),
            "forwarded_tracks": self._router.forwarded_tracks,
        }

    # By time

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                self.tick(self._clock.monotonic())
            except Exception:
                log.exception("the plane's timer failed")

    def tick(self, now: float) -> None:
        """Requests, reports and feedback that are due; tests call it with a time of their own."""
        reception, congestion = now - self._reported_at >= REPORTS, now - self._fed_back_at >= CONGESTION
        self._reported_at = now if reception else self._reported_at
        self._fed_back_at = now if congestion else self._fed_back_at
        for peer in tuple(self._router.transports.values()):
            if peer.sessions is None or peer.route is None:
                continue
            due = [*reports(peer, now, reception=reception), *requests(peer, now)]
            for compound in compounds(peer, due, congestion=congestion):
                self._outbox.rtcp(peer, compound)
            self._outbox.probe(peer, now)

    # Receiving

    def _datagram(self, data: bytes, address: Address, ancillary: Ancillary) -> None:
        kind = classify(data)
        if kind is Kind.STUN:
            local = local_address(ancillary)
            reply = self._stun_received(data, address, local)
            if reply is not None:
                self._datagrams.answer(reply, address, local)
            return
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

    def _protected(self, peer: Transport, data: bytes, kind: Kind) -> None:
        sessions = peer.sessions
        if sessions is None:
            # The first words and the first keyframe may overtake the end of the handshake.
            if len(peer.early) < EARLY:
                peer.early.append(data)
            else:
                self._counters["early_dropped"] += 1
            return
        peer.received_packets += 1
        peer.received_octets += len(data)
        try:
            if kind is Kind.RTP:
                packet = sessions.receive.unprotect(data)
                self._rtp(peer, parse_rtp(packet), packet, self._clock.monotonic())
            else:
                packet = sessions.receive.unprotect_rtcp(data)
                self._inbox.take(peer, packet, self._clock.monotonic())
        except (SrtpError, ValueError, MalformedPacket):
            self._counters["unprotect_failed"] += 1

    def _rtp(self, peer: Transport, header: RtpHeader, packet: bytes, now: float) -> None:
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
        audible = self._heard(stream, header, now)
        for tap in track.taps:
            tap.packet(stream.ssrc, header, packet, now)
        if audible:
            self._forward(track, stream, header, now)
        else:
            for subscription in track.subscriptions:
                subscription.skip(stream, header)

    def _heard(self, stream: Stream, header: RtpHeader, now: float) -> bool:
        """Takes note of the packet's loudness; False where louder voices are forwarded instead."""
        extension = stream.settings.level_extension
        value = header.extensions.get(extension) if extension is not None else None
        if not value:
            return self._router.audible(stream)
        level = value[0] & 0x7F
        stream.hear(level, now)
        group = self._router.voices_of(stream)
        return group is None or group.hear(stream.track, level, now, voice=value[0] > 0x7F)

    def _forward(self, track: Track, stream: Stream, header: RtpHeader, now: float) -> None:
        transports = self._router.transports
        for subscription in track.subscriptions:
            peer = transports.get(subscription.transport)
            if peer is not None and peer.sessions is not None and peer.route is not None:
                out = subscription.forward(stream, header, now, peer.departures.number())
                if out:
                    self._outbox.media(peer, subscription, out, now)
