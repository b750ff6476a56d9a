"""A person in a room: the owner of their transport, tracks and socket."""

import logging
from typing import Final

from livekit.protocol.models import (
    ConnectionQuality,
    DisconnectReason,
    ParticipantInfo,
    TrackSource,
)
from livekit.protocol.rtc import (
    ConnectionQualityInfo,
    LeaveRequest,
    MediaSectionsRequirement,
    MuteTrackRequest,
    SessionDescription,
    SignalResponse,
)

from meetings.relay.data import from_participant
from meetings.relay.errors import LimitExceeded, MalformedPacket
from meetings.relay.interface import JoinClaims
from meetings.relay.participant.audience import Audience
from meetings.relay.participant.context import Context
from meetings.relay.participant.control import ControlPackets
from meetings.relay.participant.gauge import Gauge
from meetings.relay.participant.host import Host
from meetings.relay.participant.negotiation import negotiate
from meetings.relay.participant.peer import Peer, PeerEvents
from meetings.relay.participant.publications import Publications
from meetings.relay.participant.subscriptions import Subscriptions
from meetings.relay.participant.wishes import Wishes
from meetings.relay.participant.wording import (
    describe,
    layer_limits,
    leave,
    quality_of,
    source_name,
    stream_states,
)
from meetings.relay.sdp import parse_offer
from meetings.relay.signalling import Outbox, TokenBucket
from meetings.relay.uptrack import UpTrack

log = logging.getLogger("visio.relay")

# Several tracks that come at once (a camera and its microphone) need one renegotiation, not two.
DEBOUNCE: Final = 0.1
# A probe lasts 0.3 s, a layer's bitrate is known anew once a second.
SHARE: Final = 0.2
_SECOND: Final = 1.0
_STATES: Final[dict[int, set[int]]] = {
    ParticipantInfo.State.JOINING: {ParticipantInfo.State.JOINED, ParticipantInfo.State.DISCONNECTED},
    ParticipantInfo.State.JOINED: {ParticipantInfo.State.ACTIVE, ParticipantInfo.State.DISCONNECTED},
    ParticipantInfo.State.ACTIVE: {ParticipantInfo.State.DISCONNECTED},
    ParticipantInfo.State.DISCONNECTED: set(),
}


class Participant:
    """One connected client. `interface.Identified`. Everything happens on the event loop."""

    def __init__(
        self, context: Context, host: "Host[Participant]", claims: JoinClaims, *, client_protocol: int = 0
    ) -> None:
        self.context, self.host, self.claims = context, host, claims
        self.info = describe(claims, context.clock.wall_ns(), client_protocol)
        self.reserved = frozenset(claims.attributes)
        self.auto_subscribe = True
        self.outbox: Outbox | None = None
        self.gone_at: float | None = None
        self.lost_at: float | None = None
        self.token_at = context.clock.monotonic()
        events = PeerEvents(
            connected=self._connected,
            lost=self._lost,
            message=self._message,
            rtcp=lambda packet, now: self._control.received(packet, now),
            rtp_unknown=lambda header: self.publications.unknown_ssrc(header),
            congestion=lambda report: self.subscriptions.congestion(report),
        )
        self.peer = Peer(context, events, claims.identity)
        self.publications = Publications(
            context,
            self.peer.number,
            voices=host.voices,
            on_published=lambda track: host.published(self, track),
            on_unpublished=lambda track: host.unpublished(self, track),
        )
        self.audience = Audience()
        self.subscriptions = Subscriptions(context, self.peer.number, host.spoke_at)
        self.gauge = Gauge(context, self.peer.number, self.publications, self.subscriptions)
        self._wishes = Wishes(self.subscriptions, lambda track: host.may_watch(self, track), self.send)
        self._control = ControlPackets(self.publications, self.subscriptions, host.sender_report)
        limits, now = context.limits, context.clock.monotonic()
        self.updates = TokenBucket(rate=limits.update_rate, burst=limits.update_burst, now=now)
        self.update_due = False
        self._renegotiate_at: float | None = None
        self._measured_at = self._shared_at = self.came_at = now

    @property
    def identity(self) -> str:
        return self.claims.identity

    @property
    def sid(self) -> str:
        return self.info.sid

    @property
    def hidden(self) -> bool:
        return self.claims.grants.hidden

    @property
    def present(self) -> bool:
        return self.info.state != ParticipantInfo.State.DISCONNECTED

    def move(self, state: ParticipantInfo.State) -> None:
        """Illegal transitions raise RuntimeError."""
        if state not in _STATES[self.info.state]:
            raise RuntimeError(f"{self.identity}: from state {self.info.state} to {state}")
        self.info.state = state

    # Messages out

    def send(self, message: SignalResponse) -> None:
        self.send_packed(message.SerializeToString())

    def send_packed(self, data: bytes) -> None:
        """A message that goes to many is put into bytes once."""
        if self.outbox is not None:
            self.outbox.put_packed(data)

    def attach(self, outbox: Outbox) -> None:
        """A socket, the first or (resuming) another one."""
        if self.outbox is not None:
            self.outbox.finish()
        self.outbox, self.gone_at = outbox, None

    def dismiss(self, action: LeaveRequest.Action, reason: DisconnectReason) -> None:
        """Tells the client to go; it closes the socket itself (relay.md, trap 12)."""
        self.send(leave(action, reason))

    def refresh_token(self) -> None:
        limits = self.context.limits
        self.token_at = self.context.clock.monotonic()
        token = self.context.api_key.renew(self.claims, ttl=limits.token_ttl)
        self.send(SignalResponse(refresh_token=token))

    # Offer and answer

    def offer(self, description: SessionDescription) -> None:
        """Answers an offer. Raises MalformedDescription."""
        now = self.context.clock.monotonic()
        offer = parse_offer(description.sdp)
        most = self.context.limits.data_message
        agreed = negotiate(offer, self.publications, self.subscriptions, max_message=most, now=now)
        answer = SessionDescription(
            type="answer",
            sdp=self.peer.answer(offer.sections[0], agreed.sections),
            id=description.id,
            mid_to_track_id=agreed.track_sids,
        )
        self.send(SignalResponse(answer=answer))
        self._wishes.refuse_undecodable()
        if self.subscriptions.waiting:
            self.renegotiate()

    def renegotiate(self) -> None:
        """Asks the client, shortly, for another offer."""
        if self._renegotiate_at is None:
            self._renegotiate_at = self.context.clock.monotonic() + DEBOUNCE

    def subscribe(self, track: UpTrack) -> None:
        if self.claims.grants.can_subscribe and self._wishes.add(track):
            self.renegotiate()

    def unsubscribe(self, track: UpTrack) -> None:
        if self._wishes.drop(track):
            self.renegotiate()
            self.host.watched(track)

    def reconsider(self, track: UpTrack) -> None:
        """Its publisher has chosen anew who may watch."""
        if self._wishes.reconsider(track):
            self.renegotiate()
            self.host.watched(track)

    # Tracks

    def may_publish(self, source: TrackSource) -> bool:
        grants = self.claims.grants
        allowed = grants.can_publish_sources
        return grants.can_publish and (not allowed or source_name(source) in allowed)

    def mute(self, track: UpTrack, muted: bool, *, by_server: bool = False) -> None:
        """The client muted its track, or (`by_server`) is told to."""
        if track.muted != muted:
            self.publications.mute(track, muted)
            self.host.muted(self, track)
        if by_server:
            self.send(SignalResponse(mute=MuteTrackRequest(sid=track.info.sid, muted=muted)))

    def limit_layers(self, track: UpTrack, cap: int | None) -> None:
        """Dynacast: tells the publisher which layers anybody watches; `cap` None: none of them."""
        top = -1 if cap is None else cap
        if len(track.order) < 2 or track.cap == top:
            return
        track.cap = top
        self.send(layer_limits(track, top))

    # From the transport

    def _connected(self) -> None:
        if self.info.state == ParticipantInfo.State.JOINED:
            self.move(ParticipantInfo.State.ACTIVE)
            self.host.updated(self)

    def _lost(self, why: str) -> None:
        if self.lost_at is None and self.present:
            log.info("%s: transport lost: %s", self.identity, why)
            self.lost_at = self.context.clock.monotonic()

    def _message(self, label: str, data: bytes) -> None:
        if not self.claims.grants.can_publish_data or not self.present:
            self.context.counters["data_refused"] += 1
            return
        try:
            message = from_participant(label, data, self, limit=self.context.limits.data_message)
        except (MalformedPacket, LimitExceeded) as error:
            self.context.counters["data_malformed"] += 1
            log.debug("%s: message dropped: %s", self.identity, error)
        else:
            self.host.data(self, message)

    # Timer

    @property
    def restless(self) -> bool:
        """True where something may be due within a moment; else a fifth of a second is soon enough."""
        return self._renegotiate_at is not None or self.publications.alive or self.subscriptions.unsettled

    def tick(self, now: float) -> None:
        """Every 50 ms: how loud it is, newly settled subscriptions, renegotiation that is due."""
        if self.peer.connected:
            self.publications.refresh()
            for level, at in self.publications.heard():
                self.host.heard(self, level, at)
            for down in self.subscriptions.settled(now):
                self.host.subscribed(down.up)
            self.subscriptions.retarget(now)
            if now - self._shared_at >= SHARE:
                self._shared_at = now
                self._share_bandwidth(now)
        if self._renegotiate_at is not None and now >= self._renegotiate_at:
            self._renegotiate_at = None
            self._require_sections()
        if now - self._measured_at >= _SECOND:
            self._every_second(now - self._measured_at, now)
            self._measured_at = now

    def _require_sections(self) -> None:
        needs = self.subscriptions.section_needs()
        if needs is not None:
            requirement = MediaSectionsRequirement(num_audios=needs["audio"], num_videos=needs["video"])
            self.send(SignalResponse(media_sections_requirement=requirement))

    def _every_second(self, elapsed: float, now: float) -> None:
        if now - self.token_at >= self.context.limits.token_refresh:
            self.refresh_token()
        self.publications.measure(elapsed)
        self.gauge.sample(now)

    def _share_bandwidth(self, now: float) -> None:
        changed = self.subscriptions.share(now)
        if changed:
            self.send(stream_states([(down, down.paused) for down in changed]))
            for down in changed:
                self.host.watched(down.up)

    def quality(self) -> ConnectionQualityInfo:
        """How well this participant is connected, by the worse direction's loss."""
        worst = max(self.publications.loss, self.subscriptions.loss)
        if self.lost_at is not None or self.gone_at is not None:
            level = ConnectionQuality.LOST
        else:
            level = quality_of(worst)
        return ConnectionQualityInfo(participant_sid=self.sid, quality=level, score=max(0.0, 5 - 20 * worst))

    def end(self) -> None:
        """Ends tracks and subscriptions, now; `close` then ends the transport."""
        for track in self.publications:
            self.publications.remove(track)
        for down in tuple(self.subscriptions):
            self.subscriptions.remove(down.up)
            self.host.watched(down.up)

    async def close(self) -> None:
        """Ends the transport, and the socket once its last message is out."""
        if self.outbox is not None:
            self.outbox.finish(linger=self.context.limits.linger)
        await self.peer.close()
        if self.outbox is not None:
            await self.outbox.drained(self.context.limits.linger + 1.0)
