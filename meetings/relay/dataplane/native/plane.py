"""The native data plane's Python side: sockets, STUN, DTLS and declarations; the thread does the rest."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from meetings.relay.dataplane.addresses import AddressBook
from meetings.relay.dataplane.choice import NativePlaneMissing, PlaneParts
from meetings.relay.dataplane.datagrams import Datagrams, Route
from meetings.relay.dataplane.native import build, declared
from meetings.relay.dataplane.native.binding import SIZES, load, packed, session_pointer
from meetings.relay.dataplane.native.records import CLOSED, STUN, TAPPED, Record
from meetings.relay.dataplane.native.reports import Reports
from meetings.relay.dataplane.native.telling import Taps, tell_peer
from meetings.relay.dataplane.native.thread import TAPS, NativeThread
from meetings.relay.interface import Address, SrtpSessions
from meetings.relay.plane import (
    PacketTap,
    StreamReport,
    StreamSettings,
    SubscriptionReport,
    SubscriptionSettings,
    TransportEvents,
    TransportReport,
)

log = logging.getLogger("visio.relay")

_MAX_RTCP: Final = 1_400


def open_native_plane(parts: PlaneParts, *, gso: bool) -> "NativePlane":
    """Raises NativePlaneMissing where it was not built, or not from these sources."""
    if not build.is_current():
        raise NativePlaneMissing("the native plane was not built from these sources (make install builds it)")
    return NativePlane(parts, gso=gso)


@dataclass
class _Peer:
    events: TransportEvents
    route: Route | None = None
    local: str = ""


class NativePlane:
    """`plane.DataPlane`. Raises NativePlaneMissing."""

    def __init__(self, parts: PlaneParts, *, gso: bool, library: Path | None = None) -> None:
        try:
            self._lib: Any = load(library or build.LIBRARY)
        except OSError as error:
            raise NativePlaneMissing(str(error)) from error
        self._parts, self._gso = parts, gso
        self._counters: Counter[str] = Counter()
        limits = parts.limits
        self._addresses = AddressBook(
            parts.clock, most=limits.addresses, consent=limits.consent, counters=self._counters
        )
        self._datagrams = Datagrams(parts.bind, parts.port, None, self._counters)
        self._peers: dict[int, _Peer] = {}
        # Kept until the thread has said that it is done with them: pylibsrtp frees what is collected.
        self._sessions: dict[int, SrtpSessions] = {}
        self._closing: dict[int, asyncio.Future[None]] = {}
        self._taps = Taps()
        self._thread: NativeThread | None = None
        self._reports: Reports | None = None

    @property
    def name(self) -> str:
        return "native"

    @property
    def port(self) -> int:
        return self._datagrams.port

    async def start(self) -> None:
        """Binds the sockets; raises OSError where the port is taken."""
        self._datagrams.start()
        self._thread = NativeThread(
            self._lib,
            self._datagrams.descriptors,
            gso=self._gso,
            voices=self._parts.limits.voices,
            on_record=self._tell,
            on_end=self._ended,
        )
        self._reports = Reports(self._lib, self._thread.plane)

    async def stop(self) -> None:
        """The sessions are nobody's afterwards, whatever waited for their end."""
        if self._thread is not None:
            self._thread.stop()
        self._thread = self._reports = None
        self._release()
        self._peers.clear()
        self._taps.clear()
        self._datagrams.stop()

    def _ask(self, command: str, *arguments: Any) -> None:
        if self._thread is not None:
            self._thread.ask(getattr(self._lib, f"plane_{command}"), *arguments)

    # Transports

    def open(self, transport: int, events: TransportEvents) -> None:
        self._peers[transport] = _Peer(events)
        self._ask("open", transport)

    async def close(self, transport: int) -> None:
        if self._peers.pop(transport, None) is not None and self._is_running:
            self._addresses.forget(transport)
            self._closing[transport] = asyncio.get_running_loop().create_future()
            self._ask("close", transport)
        if (closing := self._closing.get(transport)) is not None:
            # Whoever waits may be cancelled; the sessions live until the thread has answered all the same.
            await asyncio.shield(closing)

    @property
    def _is_running(self) -> bool:
        return self._thread is not None and not self._thread.ended

    def bind(self, transport: int, address: Address, *, preferred: bool, local: str = "") -> bool:
        peer = self._peers.get(transport)
        known = self._addresses.holder(address) == transport
        released = self._addresses.hold(transport, address) if peer is not None else None
        if peer is None or released is None:
            return False
        for holder, given_up in released:
            self._ask("release", packed(given_up))
            former = self._peers.get(holder)
            if former is not None and former.route is not None and former.route.address == given_up:
                former.route = None
                self._ask("route", holder, packed(None), packed(None))
        if not known:
            self._ask("accept", transport, packed(address))
        if peer.route is None or (preferred and (peer.route.address, peer.local) != (address, local)):
            self._lead(transport, peer, address, local)
        return True

    def _lead(self, transport: int, peer: _Peer, address: Address, local: str) -> None:
        """From now on the transport is sent to at `address`, from `local`."""
        peer.route, peer.local = self._datagrams.route(address, local), local
        if peer.route is not None:
            source = packed((local, 0) if peer.route.source else None)
            self._ask("route", transport, packed(address), source)

    def send_datagram(self, transport: int, data: bytes) -> None:
        peer = self._peers.get(transport)
        if peer is not None and peer.route is not None:
            self._datagrams.send(data, peer.route)

    def secure(self, transport: int, sessions: SrtpSessions) -> None:
        if transport not in self._peers or not self._is_running:
            return
        self._sessions[transport] = sessions
        receiving, sending = session_pointer(sessions.receive), session_pointer(sessions.send)
        self._ask("secure", transport, receiving, sending)

    def watch_congestion(self, transport: int, extension: int) -> None:
        self._ask("watch_congestion", transport, extension)

    def send_rtcp(self, transport: int, packet: bytes) -> None:
        if len(packet) > _MAX_RTCP:
            self._counters["rtcp_too_long"] += 1
        else:
            self._ask("send_rtcp", transport, packet, len(packet))

    def probe(self, transport: int, bitrate: float, seconds: float) -> None:
        self._ask("probe", transport, max(0, int(bitrate)), max(0, int(seconds * 1e6)))

    def provoke_panic(self) -> None:
        """Only in a library that was built with fault-injection."""
        self._ask("provoke_panic")

    # What is published

    def add_stream(self, settings: StreamSettings) -> None:
        self._ask("add_stream", declared.stream(settings))

    def add_repair(self, transport: int, rtx_ssrc: int, ssrc: int, payload_type: int) -> None:
        self._ask("add_repair", transport, rtx_ssrc, ssrc, payload_type)

    def remove_stream(self, transport: int, ssrc: int) -> None:
        self._ask("remove_stream", transport, ssrc)

    def mute(self, track: int, muted: bool) -> None:
        self._ask("mute", track, int(muted))

    def request_keyframe(self, transport: int, ssrc: int) -> None:
        self._ask("request_keyframe", transport, ssrc)

    def tap(self, track: int, tap: PacketTap) -> None:
        self._taps.add(track, tap)
        self._ask("tap", track, 1)

    def untap(self, track: int, tap: PacketTap) -> None:
        if not self._taps.has(track, tap):
            return
        while self._thread is not None and self._thread.read(TAPS):
            pass  # what came before this moment is still the tap's
        if not self._taps.remove(track, tap):
            self._ask("tap", track, 0)

    # What is received

    def subscribe(self, settings: SubscriptionSettings) -> None:
        self._ask("subscribe", declared.subscription(settings))

    def steer(self, number: int, ssrc: int | None) -> None:
        self._ask("steer", number, int(ssrc is not None), ssrc or 0)

    def unsubscribe(self, number: int) -> None:
        self._ask("unsubscribe", number)

    # Reports

    def stream_report(self, transport: int, ssrc: int) -> StreamReport | None:
        return self._reports.stream(transport, ssrc) if self._reports else None

    def subscription_report(self, number: int) -> SubscriptionReport | None:
        return self._reports.subscription(number) if self._reports else None

    def transport_report(self, transport: int) -> TransportReport | None:
        return self._reports.transport(transport) if self._reports else None

    def counters(self) -> Mapping[str, int]:
        of_thread = self._thread.counters() if self._thread else {}
        own = Counter(self._counters)
        own.update({name: value for name, value in of_thread.items() if name not in SIZES})
        return dict(own)

    def sizes(self) -> Mapping[str, int]:
        of_thread = self._thread.counters() if self._thread else {}
        return {name: of_thread.get(name, 0) for name in SIZES}

    # What the thread tells

    def _tell(self, record: Record) -> None:
        if record.kind == TAPPED:
            self._taps.tell(record)
        elif record.kind == STUN:
            reply = self._parts.stun_received(record.data, record.source, record.local)
            if reply is not None:
                self._datagrams.answer(reply, record.source, record.local)
        elif record.kind == CLOSED:
            self._closed(record.number)
        elif (peer := self._peers.get(record.number)) is not None:
            tell_peer(peer.events, record, self._counters)

    def _closed(self, transport: int) -> None:
        """Only now may the sessions be freed."""
        self._sessions.pop(transport, None)
        if (closing := self._closing.pop(transport, None)) is not None and not closing.done():
            closing.set_result(None)

    def _ended(self, reason: str) -> None:
        log.critical("the data plane's thread has ended: %s", reason)
        self._release()
        self._parts.failed(reason)

    def _release(self) -> None:
        """The thread is gone: nothing is in use any more."""
        for transport in {*self._closing, *self._sessions}:
            self._closed(transport)
