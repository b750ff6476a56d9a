"""The data plane in plain Python: no compiler needed, one event loop, no task or await per packet."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping

from meetings.relay.dataplane.addresses import AddressBook
from meetings.relay.dataplane.datagrams import Ancillary, Datagrams, local_address
from meetings.relay.dataplane.portable.feedback import CONGESTION, REPORTS, TICK, compounds, reports, requests
from meetings.relay.dataplane.portable.intake import Intake
from meetings.relay.dataplane.portable.outbox import Outbox
from meetings.relay.dataplane.portable.probe import Probe
from meetings.relay.dataplane.portable.router import Router
from meetings.relay.dataplane.portable.transport import Transport
from meetings.relay.interface import Address, Clock, SrtpSessions, SystemClock
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
from meetings.relay.rtp import Kind, classify

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
        self._intake = Intake(self._router, self._addresses, self._outbox, self._clock, self._counters)
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
        # Checks come every few seconds, and a route is asked of the system.
        if peer.route is None or (preferred and (peer.route.address, peer.local) != (address, local)):
            peer.route, peer.local = self._datagrams.route(address, local), local
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
        self._intake.secured(peer)

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
        return stream.report() if stream else None

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
            "tracks": self._router.tracks,
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
        if kind is not Kind.STUN:
            self._intake.take(data, kind, address)
            return
        local = local_address(ancillary)
        reply = self._stun_received(data, address, local)
        if reply is not None:
            self._datagrams.answer(reply, address, local)
