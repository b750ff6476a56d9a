"""The data plane in plain Python: no compiler needed, one event loop, no task or await per packet."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from pylibsrtp import Error as SrtpError

from meetings.relay.dataplane.datagrams import Ancillary, Datagrams, local_address
from meetings.relay.dataplane.transport import EARLY, SentPackets, Transport
from meetings.relay.errors import MalformedPacket
from meetings.relay.interface import (
    Address,
    Clock,
    PacketSink,
    SrtpSessions,
    Stream,
    SystemClock,
    TransportEvents,
)
from meetings.relay.rtcp import TwccRecorder
from meetings.relay.rtp import Kind, classify, parse_rtp

log = logging.getLogger("visio.relay")

# The datagram, its sender, and the address of ours that it was sent to.
StunReceived = Callable[[bytes, Address, str], bytes | None]


class PortablePlane:
    """`interface.DataPlane` on one UDP port. `stun_received(data, address, local)` returns the reply or None.

    `bind` empty: every address of both families.
    An address without a check for `consent` seconds (RFC 7675) makes room for another.
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
    ) -> None:
        self._stun_received = stun_received
        self._clock: Clock = clock or SystemClock()
        self._max_addresses, self._consent = max_addresses, consent
        self._transports: dict[int, Transport] = {}
        self._by_address: dict[Address, Transport] = {}
        self._sinks: dict[int, tuple[PacketSink, ...]] = {}
        self._counters: Counter[str] = Counter()
        self._datagrams = Datagrams(bind, port, self._datagram, self._counters)

    @property
    def port(self) -> int:
        return self._datagrams.port

    async def start(self) -> None:
        """Binds the sockets; raises OSError where the port is taken."""
        self._datagrams.start()

    async def stop(self) -> None:
        self._datagrams.stop()
        self._transports.clear()
        self._by_address.clear()
        self._sinks.clear()

    # Transports

    def open(self, transport: int, events: TransportEvents) -> None:
        self._transports[transport] = Transport(events)

    async def close(self, transport: int) -> None:
        gone = self._transports.pop(transport, None)
        if gone is not None:
            for address in gone.addresses:
                if self._by_address.get(address) is gone:
                    del self._by_address[address]

    def bind(self, transport: int, address: Address, *, preferred: bool, local: str = "") -> bool:
        peer = self._transports.get(transport)
        if peer is None or not self._free(peer, address):
            return False
        peer.addresses[address] = self._clock.monotonic()
        self._by_address[address] = peer
        if preferred or peer.route is None:
            peer.route = self._datagrams.route(address, local)
        return True

    def _free(self, peer: Transport, address: Address) -> bool:
        """Makes room for an address, where that takes nothing from anybody who still uses it."""
        holder = self._by_address.get(address)
        if holder is peer:
            return True
        if holder is not None:
            # A sender's address is easily forged: nobody's packets are led away by a check of somebody else.
            return self._release(holder, address, "addresses_contested")
        if len(peer.addresses) < self._max_addresses:
            return True
        return self._release(peer, min(peer.addresses, key=peer.addresses.__getitem__), "addresses_refused")

    def _release(self, holder: Transport, address: Address, refusal: str) -> bool:
        """Takes an address from a transport that has left it; counts a refusal where it has not."""
        if self._clock.monotonic() - holder.addresses[address] < self._consent:
            self._counters[refusal] += 1
            return False
        del holder.addresses[address], self._by_address[address]
        if holder.route is not None and holder.route.address == address:
            holder.route = None
        return True

    def send_datagram(self, transport: int, data: bytes) -> None:
        peer = self._transports.get(transport)
        if peer is not None and peer.route is not None:
            self._datagrams.send(data, peer.route)

    def secure(self, transport: int, sessions: SrtpSessions) -> None:
        peer = self._transports.get(transport)
        if peer is None:
            return
        peer.sessions = sessions
        early, peer.early = peer.early, []
        for data in early:
            self._protected(peer, data, classify(data))

    def watch_congestion(self, transport: int, extension: int) -> None:
        peer = self._transports.get(transport)
        if peer is not None and (peer.congestion is None or peer.congestion[0] != extension):
            peer.congestion = extension, TwccRecorder()

    def congestion_feedback(self, transport: int) -> bytes | None:
        peer = self._transports.get(transport)
        return peer.congestion[1].feedback() if peer is not None and peer.congestion else None

    # Streams and sinks

    def add_stream(self, transport: int, ssrc: int, stream: Stream) -> None:
        if transport in self._transports:
            self._transports[transport].streams[ssrc] = stream

    def remove_stream(self, transport: int, ssrc: int) -> None:
        if transport in self._transports:
            self._transports[transport].streams.pop(ssrc, None)

    def attach(self, track: int, sink: PacketSink) -> None:
        sinks = self._sinks.get(track, ())
        if sink not in sinks:
            self._sinks[track] = (*sinks, sink)

    def detach(self, track: int, sink: PacketSink) -> None:
        rest = tuple(other for other in self._sinks.get(track, ()) if other is not sink)
        if rest:
            self._sinks[track] = rest
        else:
            self._sinks.pop(track, None)

    # Sending

    def send_rtcp(self, transport: int, packet: bytes) -> None:
        peer = self._transports.get(transport)
        if peer is None or peer.sessions is None or peer.route is None:
            return
        try:
            self._datagrams.send(peer.sessions.send.protect_rtcp(packet), peer.route)
        except (SrtpError, ValueError):
            self._counters["protect_failed"] += 1

    def retransmit(self, transport: int, ssrc: int, sequences: Sequence[int]) -> int:
        peer = self._transports.get(transport)
        sent = peer.sent.get(ssrc) if peer else None
        if peer is None or sent is None or peer.route is None:
            return 0
        found = [data for data in map(sent.again, sequences) if data is not None]
        for data in found:
            self._datagrams.send(data, peer.route)
        self._counters["retransmitted"] += len(found)
        return len(found)

    def forget(self, transport: int, ssrc: int) -> None:
        peer = self._transports.get(transport)
        if peer is None or peer.sent.pop(ssrc, None) is None or peer.sessions is None:
            return
        try:
            peer.sessions.send.remove_stream(ssrc)
        except SrtpError:
            log.debug("SSRC %08x had sent nothing", ssrc)

    def counters(self) -> Mapping[str, int]:
        return dict(self._counters)

    def sizes(self) -> Mapping[str, int]:
        return {
            "transports": len(self._transports),
            "addresses": len(self._by_address),
            "streams": sum(len(peer.streams) for peer in self._transports.values()),
            "forwarded_tracks": len(self._sinks),
        }

    def _send_media(self, sink: PacketSink, packet: bytes) -> None:
        peer = self._transports.get(sink.transport) if sink.transport is not None else None
        if peer is None or peer.sessions is None or peer.route is None:
            return
        ssrc = int.from_bytes(packet[8:12], "big")
        sent = peer.sent.get(ssrc)
        if sent is None:
            sent = peer.sent[ssrc] = SentPackets()
        number = sent.claim(int.from_bytes(packet[2:4], "big"))
        if number is None:
            self._counters["sequence_repeated"] += 1
            return
        try:
            data = peer.sessions.send.protect(packet)
        except (SrtpError, ValueError):
            self._counters["protect_failed"] += 1
            return
        sent.keep(number, data)
        self._counters["forwarded"] += 1
        self._datagrams.send(data, peer.route)

    # Receiving

    def _datagram(self, data: bytes, address: Address, ancillary: Ancillary) -> None:
        kind = classify(data)
        if kind is Kind.STUN:
            local = local_address(ancillary)
            reply = self._stun_received(data, address, local)
            if reply is not None:
                self._datagrams.answer(reply, address, local)
            return
        peer = self._by_address.get(address)
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
        elif kind is Kind.RTP:
            self._rtp(peer, sessions, data)
        else:
            self._rtcp(peer, sessions, data)

    def _rtcp(self, peer: Transport, sessions: SrtpSessions, data: bytes) -> None:
        try:
            packet = sessions.receive.unprotect_rtcp(data)
        except (SrtpError, ValueError):
            self._counters["unprotect_failed"] += 1
            return
        peer.events.rtcp_received(packet, self._clock.monotonic())

    def _rtp(self, peer: Transport, sessions: SrtpSessions, data: bytes) -> None:
        try:
            packet = sessions.receive.unprotect(data)
            header = parse_rtp(packet)
        except (SrtpError, ValueError, MalformedPacket):
            self._counters["unprotect_failed"] += 1
            return
        now = self._clock.monotonic()
        if peer.congestion is not None:
            number = header.extensions.get(peer.congestion[0])
            if number is not None and len(number) == 2:
                peer.congestion[1].add(int.from_bytes(number, "big"), header.ssrc, now)
        stream = peer.streams.get(header.ssrc)
        if stream is None:
            peer.events.rtp_unknown(header, packet, now)
            stream = peer.streams.get(header.ssrc)
            if stream is None:
                self._counters["unknown_ssrc"] += 1
                return
        if stream.received(header, packet, now):
            for sink in self._sinks.get(stream.track, ()):
                out = sink.forward(stream, header, packet, now)
                if out:
                    self._send_media(sink, out)
        else:
            for sink in self._sinks.get(stream.track, ()):
                sink.skip(stream, header)
