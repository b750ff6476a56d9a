"""A person in a room: the owner of their transport, tracks and socket."""

import logging
import secrets
from dataclasses import replace
from typing import Final, Protocol

from livekit.protocol.models import (
    ConnectionQuality,
    DisconnectReason,
    ParticipantInfo,
    ParticipantPermission,
    TrackSource,
    VideoQuality,
)
from livekit.protocol.rtc import (
    ConnectionQualityInfo,
    LeaveRequest,
    MediaSectionsRequirement,
    MuteTrackRequest,
    SessionDescription,
    SignalResponse,
    StreamState,
    StreamStateInfo,
    StreamStateUpdate,
    SubscribedCodec,
    SubscribedQuality,
    SubscribedQualityUpdate,
)

from meetings.relay.data import Message, from_participant
from meetings.relay.errors import LimitExceeded, MalformedDescription, MalformedPacket
from meetings.relay.interface import JoinClaims, RtpHeader
from meetings.relay.participant.context import Context
from meetings.relay.participant.negotiation import negotiate
from meetings.relay.participant.peer import Peer, PeerEvents
from meetings.relay.participant.publications import RELAY_SSRC, Publications
from meetings.relay.participant.subscriptions import Subscriptions
from meetings.relay.rtcp import (
    FullIntraRequest,
    Nack,
    PictureLoss,
    ReceiverReport,
    RtcpPacket,
    SenderReport,
    SourceDescription,
)
from meetings.relay.sdp import parse_offer
from meetings.relay.signalling import Outbox
from meetings.relay.uptrack import UpTrack

log = logging.getLogger("visio.relay")

# Several tracks that come at once (a camera and its microphone) need one renegotiation, not two.
DEBOUNCE: Final = 0.1
_SECOND: Final = 1.0
_QUALITIES: Final = (VideoQuality.LOW, VideoQuality.MEDIUM, VideoQuality.HIGH)
_STATES: Final[dict[int, set[int]]] = {
    ParticipantInfo.State.JOINING: {ParticipantInfo.State.JOINED, ParticipantInfo.State.DISCONNECTED},
    ParticipantInfo.State.JOINED: {ParticipantInfo.State.ACTIVE, ParticipantInfo.State.DISCONNECTED},
    ParticipantInfo.State.ACTIVE: {ParticipantInfo.State.DISCONNECTED},
    ParticipantInfo.State.DISCONNECTED: set(),
}


class Host(Protocol):
    """The room, as its participants see it."""

    def updated(self, participant: "Participant") -> None:
        """Something that everyone sees of them changed."""

    def published(self, participant: "Participant", track: UpTrack) -> None: ...

    def unpublished(self, participant: "Participant", track: UpTrack) -> None: ...

    def muted(self, participant: "Participant", track: UpTrack) -> None: ...

    def data(self, participant: "Participant", message: Message) -> None: ...

    def heard(self, participant: "Participant", level: int, now: float) -> None: ...

    def find_track(self, sid: str) -> UpTrack | None: ...

    def subscribed(self, track: UpTrack) -> None:
        """Packets of the track flow to one more subscriber."""

    def watched(self, track: UpTrack) -> None:
        """Somebody's demand for the track changed."""

    def sender_report(self, track: UpTrack, rid: str, ntp: int, rtp_timestamp: int) -> None: ...


class Participant:
    """One connected client. `interface.Identified`. Everything happens on the event loop."""

    def __init__(self, context: Context, host: Host, claims: JoinClaims, *, client_protocol: int = 0) -> None:
        self.context, self.host, self.claims = context, host, claims
        self.info = _info(claims, context.clock.wall_ns(), client_protocol)
        self.reserved = frozenset(claims.attributes)
        self.auto_subscribe = True
        self.outbox: Outbox | None = None
        self.gone_at: float | None = None
        self.lost_at: float | None = None
        self.token_at = context.clock.monotonic()
        events = PeerEvents(self._connected, self._lost, self._message, self._rtcp, self._rtp_unknown)
        self.peer = Peer(context, events, claims.identity)
        self.publications = Publications(
            context,
            self.peer.number,
            on_published=lambda track: host.published(self, track),
            on_unpublished=lambda track: host.unpublished(self, track),
        )
        self.subscriptions = Subscriptions(context, self.peer.number)
        self._renegotiate_at: float | None = None
        self._measured_at = context.clock.monotonic()
        self.dropped_messages = 0

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
        if self.outbox is not None:
            self.outbox.put(message)

    def attach(self, outbox: Outbox) -> None:
        """A socket, the first or (resuming) another one."""
        if self.outbox is not None:
            self.outbox.finish()
        self.outbox, self.gone_at = outbox, None

    def dismiss(self, action: LeaveRequest.Action, reason: DisconnectReason) -> None:
        """Tells the client to go; it closes the socket itself (relay.md, trap 12)."""
        self.send(
            SignalResponse(
                leave=LeaveRequest(
                    action=action, reason=reason, can_reconnect=action != LeaveRequest.Action.DISCONNECT
                )
            )
        )

    def permit(self, granted: ParticipantPermission) -> None:
        """Changes what they may do, at once and in the tokens they are given from now on."""
        grants = replace(
            self.claims.grants,
            can_subscribe=granted.can_subscribe,
            can_publish=granted.can_publish,
            can_publish_data=granted.can_publish_data,
            can_update_own_metadata=granted.can_update_metadata,
            can_publish_sources=tuple(
                TrackSource.Name(source).lower() for source in granted.can_publish_sources
            ),
        )
        self.claims = replace(self.claims, grants=grants)
        self.info.permission.CopyFrom(permission(self.claims))
        for track in self.publications:
            if not self.may_publish(track.info.source):
                self.publications.remove(track)
        if not grants.can_subscribe:
            for down in tuple(self.subscriptions):
                self.unsubscribe(down.up)
        self.refresh_token()
        self.host.updated(self)

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
        limits = self.context.limits
        if len(offer.sections) > limits.sections:
            raise MalformedDescription("too many sections")
        agreed = negotiate(
            offer, self.publications, self.subscriptions, max_message=limits.data_message, now=now
        )
        answer = SessionDescription(
            type="answer",
            sdp=self.peer.answer(offer.sections[0], agreed.sections),
            id=description.id,
            mid_to_track_id=agreed.track_sids,
        )
        self.send(SignalResponse(answer=answer))
        if self.subscriptions.waiting:
            self.renegotiate()

    def renegotiate(self) -> None:
        """Asks the client, shortly, for another offer."""
        if self._renegotiate_at is None:
            self._renegotiate_at = self.context.clock.monotonic() + DEBOUNCE

    def subscribe(self, track: UpTrack) -> None:
        if self.claims.grants.can_subscribe and self.subscriptions.add(track):
            self.renegotiate()

    def unsubscribe(self, track: UpTrack) -> None:
        if self.subscriptions.remove(track):
            self.renegotiate()
            self.host.watched(track)

    # Tracks

    def may_publish(self, source: TrackSource) -> bool:
        grants = self.claims.grants
        allowed = grants.can_publish_sources
        return grants.can_publish and (not allowed or TrackSource.Name(source).lower() in allowed)

    def mute(self, track: UpTrack, muted: bool, *, by_server: bool = False) -> None:
        """The client muted its track, or (`by_server`) is told to."""
        if track.muted != muted:
            track.mute(muted)
            self.host.muted(self, track)
        if by_server:
            self.send(SignalResponse(mute=MuteTrackRequest(sid=track.info.sid, muted=muted)))

    def limit_layers(self, track: UpTrack, cap: int | None) -> None:
        """Dynacast: tells the publisher which layers anybody watches; `cap` None: none of them."""
        top = -1 if cap is None else cap
        if len(track.order) < 2 or track.cap == top:
            return
        track.cap = top
        qualities = [SubscribedQuality(quality=level, enabled=level <= top) for level in _QUALITIES]
        codec = SubscribedCodec(codec=track.codec_name.lower(), qualities=qualities)
        self.send(
            SignalResponse(
                subscribed_quality_update=SubscribedQualityUpdate(
                    track_sid=track.info.sid, subscribed_qualities=qualities, subscribed_codecs=[codec]
                )
            )
        )

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
        if not self.claims.grants.can_publish_data:
            self.dropped_messages += 1
            return
        try:
            message = from_participant(label, data, self, limit=self.context.limits.data_message)
        except (MalformedPacket, LimitExceeded) as error:
            self.dropped_messages += 1
            log.debug("%s: message dropped: %s", self.identity, error)
        else:
            self.host.data(self, message)

    def _rtp_unknown(self, header: RtpHeader) -> None:
        self.publications.unknown_ssrc(header)

    def _rtcp(self, packet: RtcpPacket, now: float) -> None:
        self.subscriptions.rtcp(packet)
        if isinstance(packet, SenderReport):
            self._sender_report(packet, now)
        elif isinstance(packet, Nack):
            if self.subscriptions.by_ssrc(packet.media_ssrc) is not None:
                self.context.plane.retransmit(self.peer.number, packet.media_ssrc, packet.lost)
        elif isinstance(packet, PictureLoss):
            self._request_keyframe(packet.media_ssrc)
        elif isinstance(packet, FullIntraRequest):
            for ssrc in packet.targets:
                self._request_keyframe(ssrc)

    def _sender_report(self, report: SenderReport, now: float) -> None:
        layer = self.publications.layer(report.ssrc)
        if layer is not None:
            layer.sender_report(report.ntp, report.rtp_timestamp, now)
            self.host.sender_report(layer.up, layer.rid, report.ntp, report.rtp_timestamp)

    def _request_keyframe(self, ssrc: int) -> None:
        down = self.subscriptions.by_ssrc(ssrc)
        if down is not None and down.current is not None:
            down.current.request_keyframe()

    # Timer

    def tick(self, now: float) -> None:
        """Every 50 ms: feedback, newly settled subscriptions, renegotiation that is due."""
        if self.peer.connected:
            self.peer.send_congestion_feedback()
            self.peer.send_rtcp(self.publications.feedback(now))
            for down in self.subscriptions.settled(now):
                self.host.subscribed(down.up)
            self.subscriptions.retarget(now)
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
        if not self.peer.connected:
            return
        reports: list[RtcpPacket] = list(self.subscriptions.sender_reports(now))
        received = self.publications.reports(now)
        if received or reports:
            head = ReceiverReport(RELAY_SSRC, tuple(received))
            name = SourceDescription(((RELAY_SSRC, "visio"),))
            self.peer.send_rtcp([*reports, head, name])
        self._report_streams(elapsed, now)

    def _report_streams(self, elapsed: float, now: float) -> None:
        changed = self.subscriptions.allocate(elapsed, now)
        if not changed:
            return
        states = [
            StreamStateInfo(
                participant_sid=down.up.publisher_sid,
                track_sid=down.up.info.sid,
                state=StreamState.PAUSED if paused else StreamState.ACTIVE,
            )
            for down, paused in changed
        ]
        self.send(SignalResponse(stream_state_update=StreamStateUpdate(stream_states=states)))

    def quality(self) -> ConnectionQualityInfo:
        """How well this participant is connected, by the worse direction's loss."""
        worst = max(self.publications.loss, self.subscriptions.loss)
        if self.lost_at is not None or self.gone_at is not None:
            level = ConnectionQuality.LOST
        else:
            level = _quality_of(worst)
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
            self.outbox.finish()
        await self.peer.close()


def _quality_of(loss: float) -> ConnectionQuality:
    if loss > 0.10:
        return ConnectionQuality.POOR
    return ConnectionQuality.GOOD if loss > 0.03 else ConnectionQuality.EXCELLENT


def _info(claims: JoinClaims, wall_ns: int, client_protocol: int) -> ParticipantInfo:
    return ParticipantInfo(
        sid=f"PA_{secrets.token_hex(6)}",
        identity=claims.identity,
        name=claims.name or claims.identity,
        metadata=claims.metadata,
        state=ParticipantInfo.State.JOINED,
        joined_at=wall_ns // 1_000_000_000,
        joined_at_ms=wall_ns // 1_000_000,
        version=1,
        permission=permission(claims),
        attributes=dict(claims.attributes),
        client_protocol=client_protocol,
    )


def permission(claims: JoinClaims) -> ParticipantPermission:
    """The grants as clients are told them."""
    grants = claims.grants
    return ParticipantPermission(
        can_subscribe=grants.can_subscribe,
        can_publish=grants.can_publish,
        can_publish_data=grants.can_publish_data,
        can_update_metadata=grants.can_update_own_metadata,
        hidden=grants.hidden,
    )
