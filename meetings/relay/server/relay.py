"""The relay: composed of its parts, deciding who comes in."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import Final

from livekit.protocol.models import DisconnectReason
from livekit.protocol.rtc import (
    ICEServer,
    JoinRequest,
    LeaveRequest,
    ParticipantUpdate,
    ReconnectResponse,
    SignalResponse,
)

from meetings.relay.api import Api
from meetings.relay.dataplane.choice import PlaneParts, choose_plane
from meetings.relay.errors import LimitExceeded, Refused, RelayError
from meetings.relay.ice_lite import IceLite
from meetings.relay.ice_tcp import TcpEdge
from meetings.relay.interface import Address, Clock, JoinClaims, Portal, SystemClock
from meetings.relay.participant import Context, Participant, add_track
from meetings.relay.recorder import Recording, WriterThread
from meetings.relay.room import Room, RoomParts, Rooms
from meetings.relay.secure import Certificate
from meetings.relay.server.claims import joining_claims, not_allowed
from meetings.relay.server.config import RelayConfig
from meetings.relay.server.metrics import metrics
from meetings.relay.server.overview import Overview
from meetings.relay.server.session import FinishedSession, Session
from meetings.relay.server.welcome import server_info, welcome
from meetings.relay.signalling import ApiKey, Outbox, TokenBuckets, decode_join_request
from meetings.relay.webhooks import Webhooks

log = logging.getLogger("visio.relay")

_UNACCEPTABLE: Final = 1008


class Relay:
    """A selective forwarding unit that speaks LiveKit's protocol. One event loop, one UDP port."""

    def __init__(self, config: RelayConfig, portal: Portal, clock: Clock | None = None) -> None:
        self.config, self.portal = config, portal
        self.clock: Clock = clock or SystemClock()
        limits = config.limits
        others = tuple(ApiKey(key, secret) for key, secret in config.further_keys)
        self._api_key = ApiKey(config.api_key, config.api_secret, others)
        self._ice = IceLite(clock=self.clock, bind=self._bind, addresses=config.media_addresses)
        parts = PlaneParts(
            config.bind,
            config.udp_port,
            self._ice.stun_received,
            self.clock,
            limits,
            failed=self._plane_failed,
        )
        self._plane = choose_plane(config.plane, parts, gso=config.gso)
        self._tcp = TcpEdge(
            bind=config.bind, check_received=self._ice.stun_received, clock=self.clock, limits=limits
        )
        self._writer = WriterThread(limit=limits.recorder_queue)
        self._webhooks = Webhooks(config.webhook_urls, self._api_key, self.clock, limit=limits.webhook_queue)
        context = Context(self._plane, self._ice, Certificate(), self.clock, limits, self._api_key)
        recording = Recording(
            config.recordings_dir,
            self._writer,
            self._plane,
            self.clock,
            portal.recording_key,
            limits.recording_key,
        )
        self._context = context
        self._rooms = Rooms(RoomParts(context, recording, self._webhooks.put))
        self.overview = Overview(
            context, self._rooms, ice=self._ice, tcp=self._tcp, webhooks=self._webhooks, writer=self._writer
        )
        self._api = Api(self._rooms, self._api_key, limits, self.clock, self.overview.told)
        # Random, so that nobody can mark frames of their own as the server's (relay.md, trap 13).
        self._sif_trailer = secrets.token_bytes(16)
        self._pending = 0
        self._joins = TokenBuckets(rate=limits.join_rate, burst=limits.join_burst, most=10_000)

    @property
    def udp_port(self) -> int:
        """The port that was bound, once started."""
        return self._plane.port

    async def start(self) -> None:
        """Raises OSError where the UDP port is taken, or with `tcp` the same number in TCP."""
        await self._plane.start()
        if self.config.tcp:
            await self._start_tcp()
        self._writer.start()
        await self._webhooks.start()
        await self._rooms.start()
        ways = "UDP and TCP" if self.config.tcp else "UDP"
        where = self.config.bind or "every address,"
        text = "relay listens on %s, %s port %d, the %s plane forwards"
        log.info(text, ways, where, self.udp_port, self._plane.name)

    async def stop(self) -> None:
        """Sends everybody a leave message, finishes recordings and webhooks, frees the port."""
        await self._rooms.stop()
        await asyncio.to_thread(self._writer.stop)
        await self._webhooks.stop()
        await self._tcp.stop()
        await self._plane.stop()

    async def _start_tcp(self) -> None:
        try:
            await self._tcp.start(self.udp_port)
        except OSError:
            await self._plane.stop()
            raise
        self._ice.over_tcp = True

    @property
    def rooms(self) -> dict[str, int]:
        """The live rooms, each with how many people are in it."""
        return {room.name: len(room.people) for room in self._rooms}

    async def leave_to_others(self, names: Collection[str]) -> None:
        """These rooms are another relay's now: everybody in them is told to connect anew."""
        await self._rooms.shut([room for room in self._rooms if room.name in names], go_on=True)

    # /rtc/v1/validate and /rtc/v1

    def validate(self, token: str) -> None:
        """Raises Refused (401 or 403) where `token` would not let anybody in."""
        with self._logging_refusals():
            self._claims(token)

    async def join(
        self,
        *,
        token: str,
        join_request: str,
        send: Callable[[bytes], Awaitable[None]],
        close: Callable[[int], Awaitable[None]],
    ) -> Session:
        """Lets a client in, or raises Refused before anything was sent."""
        with self._logging_refusals():
            claims = self._claims(token)
            request = decode_join_request(join_request, limit=self.config.limits.join_request)
            await self._admit(claims)
            self._check_revocation(claims)  # they may have been removed while the portal thought
            room = self._room_for(claims)
        limits = self.config.limits
        outbox = Outbox(send, close, limit=limits.signal_queue, max_bytes=limits.signal_queue_bytes)
        if request.reconnect:
            return self._resume(room, claims, request, outbox)
        return self._enter(room, claims, request, outbox)

    async def twirp(
        self, path: str, authorization: str, body: bytes, content_type: str
    ) -> tuple[int, str, bytes]:
        """LiveKit's server API: (status, content type, body)."""
        return await self._api.call(path, authorization, body, content_type)

    def counters(self) -> dict[str, int]:
        """Packets and messages forwarded, refused and dropped since the start."""
        return self.overview.counters()

    def census(self) -> dict[str, int]:
        """How much of everything is alive now."""
        return self.overview.census()

    def metrics(self, token: str, *, near: bool) -> bytes:
        """For Prometheus, where it is `near` or has a token that lists rooms. Raises Refused (404)."""
        if not near and not self._api_key.lists_rooms(token, max_length=self.config.limits.token):
            raise Refused(status=404, public="404: Not Found", reason="metrics asked for from afar")
        return metrics(self.overview)

    # Deciding

    async def _admit(self, claims: JoinClaims) -> None:
        """Asks the portal, for so many at once; whoever comes too often is not asked about."""
        if not self._joins.take((claims.room, claims.identity), self.clock.monotonic()):
            raise Refused(status=429, public="Too many tries.", reason=f"{claims.identity!r} joins too often")
        if self._pending >= self.config.limits.pending_joins:
            raise Refused(status=503, public="The server is full.", reason="too many joins at once")
        self._pending += 1
        try:
            await self.portal.admit(claims)
        finally:
            self._pending -= 1

    @contextlib.contextmanager
    def _logging_refusals(self) -> Iterator[None]:
        try:
            yield
        except Refused as refused:
            log.warning("refused (%d): %s", refused.status, refused.reason)
            raise

    def _claims(self, token: str) -> JoinClaims:
        claims = joining_claims(self._api_key, token, self.config.limits)
        self._check_revocation(claims)
        return claims

    def _check_revocation(self, claims: JoinClaims) -> None:
        if self._rooms.revocations.revoked(claims.room, claims.identity, claims.issued_at):
            raise not_allowed(f"the token of {claims.identity!r} for {claims.room!r} was revoked")

    def _room_for(self, claims: JoinClaims) -> Room:
        try:
            room = self._rooms.get_or_create(claims.room)
        except LimitExceeded as error:
            raise Refused(status=503, public="The server is full.", reason=str(error)) from error
        most = room.info.max_participants or self.config.limits.participants
        if len(room.people) >= most and claims.identity not in room.people:
            raise Refused(status=403, public="The room is full.", reason=f"room {room.name} is full")
        return room

    # Letting in

    def _enter(self, room: Room, claims: JoinClaims, request: JoinRequest, outbox: Outbox) -> Session:
        before = room.people.get(claims.identity)
        if before is not None:
            room.remove(before, DisconnectReason.DUPLICATE_IDENTITY)
        protocol = request.client_info.client_protocol
        person = Participant(self._context, room, claims, client_protocol=protocol)
        settings = request.connection_settings
        person.auto_subscribe = settings.auto_subscribe
        refuses = settings.HasField("subscriber_allow_pause") and not settings.subscriber_allow_pause
        person.subscriptions.bandwidth.may_pause = not refuses
        person.attach(outbox)
        room.enter(person)
        person.send(SignalResponse(join=welcome(room, person, self._sif_trailer, self._ice_servers(person))))
        room.announce(person)
        client = request.client_info
        log.info("room %s: %s joined (%s %r)", room.name, person.identity, client.sdk, client.version[:40])
        for announced in request.add_track_requests[: self.config.limits.tracks]:
            add_track(person, announced)
        session = Session(self.config.limits, self.clock, room, person, outbox)
        self._first_offer(room, person, request)
        return session

    def _first_offer(self, room: Room, person: Participant, request: JoinRequest) -> None:
        if not request.publisher_offer.sdp:
            return
        try:
            person.offer(request.publisher_offer)
        except RelayError as error:
            log.warning("%s: the join's offer cannot be answered: %s", person.identity, error)
            room.remove(person, DisconnectReason.JOIN_FAILURE)

    def _resume(self, room: Room, claims: JoinClaims, request: JoinRequest, outbox: Outbox) -> Session:
        """The same participant with a new socket; a client that is not known any more joins anew."""
        person = room.people.get(claims.identity)
        if person is None or person.sid != request.participant_sid or person.lost_at is not None:
            leave = LeaveRequest(
                action=LeaveRequest.Action.RECONNECT,
                reason=DisconnectReason.STATE_MISMATCH,
                can_reconnect=True,
            )
            outbox.put(SignalResponse(leave=leave))
            outbox.finish(_UNACCEPTABLE)
            return FinishedSession(outbox)
        person.attach(outbox)
        person.subscriptions.resumed()
        others = [other.info for other in room.visible(but=person)]
        again = ReconnectResponse(server_info=server_info(), ice_servers=self._ice_servers(person))
        person.send(SignalResponse(reconnect=again))
        person.send(SignalResponse(update=ParticipantUpdate(participants=[person.info, *others])))
        if person.subscriptions.waiting:
            person.renegotiate()
        log.info("room %s: %s resumed", room.name, person.identity)
        session = Session(self.config.limits, self.clock, room, person, outbox)
        self._first_offer(room, person, request)
        return session

    def _ice_servers(self, person: Participant) -> list[ICEServer]:
        turn = self.config.turn
        return [turn.for_person(person.identity, self.clock.wall_ns() / 1e9)] if turn else []

    def _plane_failed(self, reason: str) -> None:
        """Without a data plane there is no relay: the process says goodbye to all and ends, as if told to.

        Whoever looks after it starts it anew, and clients come back by themselves.
        """
        log.critical("the relay's process ends, for its data plane has: %s", reason)
        os.kill(os.getpid(), signal.SIGTERM)

    def _bind(self, transport: int, address: Address, preferred: bool, local: str) -> bool:
        return self._plane.bind(transport, address, preferred=preferred, local=local)
