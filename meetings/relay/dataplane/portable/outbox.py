"""From a packet that is written to a datagram that is sent."""

import logging
from collections import Counter
from collections.abc import Sequence
from itertools import cycle
from typing import Final

from pylibsrtp import Error as SrtpError

from meetings.relay.dataplane.datagrams import Datagrams
from meetings.relay.dataplane.portable.subscription import Subscription
from meetings.relay.dataplane.portable.transport import Transport

log = logging.getLogger("visio.relay")

# Packets that one subscription gives for a probe to repeat: a picture or two.
_REPEATS: Final = 16
_PADDING: Final = 224


class Outbox:
    """Protects, keeps for retransmission, numbers for congestion control, and sends."""

    def __init__(self, datagrams: Datagrams, counters: Counter[str]) -> None:
        self._datagrams, self._counters = datagrams, counters

    def media(self, peer: Transport, subscription: Subscription, packet: bytes, now: float) -> None:
        """Sends a packet of a subscription for the first time."""
        number = subscription.sent.claim(packet[2] << 8 | packet[3])
        if number is None:
            self._counters["sequence_repeated"] += 1
            return
        data = self._protected(peer, packet)
        if data is None:
            return
        subscription.sent.keep(number, packet if subscription.settings.rtx else data)
        self._counters["forwarded"] += 1
        self._counters["forwarded_octets"] += len(packet)
        self._count(peer, subscription, packet, now)
        self._send(peer, data)

    def repeat(
        self, peer: Transport, subscription: Subscription, sequences: Sequence[int], now: float
    ) -> None:
        """Sends again what is still kept, by RTX where the peer takes it, never more than was sent."""
        for sequence in sequences:
            subscription.nacked += 1
            kept = subscription.sent.again(sequence)
            if kept is None:
                self._counters["retransmission_refused"] += 1
            elif self._again(peer, subscription, kept, now):
                subscription.retransmitted += 1
                self._counters["retransmitted"] += 1

    def probe(self, peer: Transport, now: float) -> None:
        """A turn of the transport's probe, if there is one: repeats what was sent last, or nothing at all."""
        probe = peer.probe
        if probe is None:
            return
        probe.earn(now)
        subscriptions = [each for each in peer.subscriptions.values() if each.settings.rtx is not None]
        repeats = cycle([packet for each in subscriptions for packet in _repeats(each)])
        while subscriptions and probe.may_send:
            subscription, packet = next(repeats)
            data = self._again(peer, subscription, packet, now)
            self._counters["probes"] += data
            probe.spend(max(len(packet), _PADDING))
        if probe.over(now):
            peer.probe = None

    def rtcp(self, peer: Transport, packet: bytes) -> None:
        if peer.sessions is None or peer.route is None:
            return
        try:
            data = peer.sessions.send.protect_rtcp(packet)
        except (SrtpError, ValueError):
            self._counters["protect_failed"] += 1
            return
        self._datagrams.send(data, peer.route)

    def forget(self, peer: Transport, subscription: Subscription) -> None:
        """A subscription ends: its SRTP streams go."""
        if peer.sessions is None:
            return
        rtx = subscription.settings.rtx
        for ssrc in (subscription.ssrc, rtx[0]) if rtx else (subscription.ssrc,):
            try:
                peer.sessions.send.remove_stream(ssrc)
            except SrtpError:
                log.debug("SSRC %08x had sent nothing", ssrc)

    def _again(self, peer: Transport, subscription: Subscription, kept: bytes, now: float) -> bool:
        if subscription.settings.rtx is None:
            peer.sent_packets += 1
            peer.sent_octets += len(kept)  # the very same bytes, protected before
            self._send(peer, kept)
            return True
        number = peer.departures.number()
        again = subscription.repeat(kept, now, number) if kept else subscription.pad(_PADDING, now, number)
        data = self._protected(peer, again)
        if data is None:
            return False
        self._count(peer, subscription, again, now)
        self._send(peer, data)
        return True

    def _protected(self, peer: Transport, packet: bytes) -> bytes | None:
        if peer.sessions is None:
            return None
        try:
            data: bytes = peer.sessions.send.protect(packet)
        except (SrtpError, ValueError):
            self._counters["protect_failed"] += 1
            return None
        return data

    def _count(self, peer: Transport, subscription: Subscription, packet: bytes, now: float) -> None:
        """Octets before protection, as those of the streams are: bit rates of both are compared."""
        peer.sent_packets += 1
        peer.sent_octets += len(packet)
        if subscription.extensions.counted:
            peer.departures.note(len(packet), now)

    def _send(self, peer: Transport, data: bytes) -> None:
        if peer.route is not None:
            self._datagrams.send(data, peer.route)


def _repeats(subscription: Subscription) -> list[tuple[Subscription, bytes]]:
    """Nothing was sent yet: padding, as an empty packet."""
    return [(subscription, packet) for packet in subscription.sent.newest(_REPEATS) or [b""]]
