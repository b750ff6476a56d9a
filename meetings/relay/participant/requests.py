"""What a client may ask over its socket: one function per kind of message."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from typing import Final

from livekit.protocol.models import ParticipantPermission, SubscriptionError
from livekit.protocol.rtc import (
    AddTrackRequest,
    MuteTrackRequest,
    Ping,
    Pong,
    RequestResponse,
    SessionDescription,
    SignalRequest,
    SignalResponse,
    SubscriptionPermission,
    SyncState,
    TrackPublishedResponse,
    TrackUnpublishedResponse,
    UpdateLocalAudioTrack,
    UpdateLocalVideoTrack,
    UpdateParticipantMetadata,
    UpdateSubscription,
    UpdateTrackSettings,
    UpdateVideoLayers,
)

from meetings.relay.errors import LimitExceeded
from meetings.relay.interface import RelayLimits
from meetings.relay.participant.person import Participant
from meetings.relay.participant.wishes import subscription_failed
from meetings.relay.participant.wording import permission, source_name
from meetings.relay.uptrack import UpTrack

log = logging.getLogger("visio.relay")

_MILLISECOND_NS: Final = 1_000_000
# No sid of ours is longer; a longer one is not worth repeating whole.
_SID: Final = 64
_LONGEST_PING: Final = 60_000  # milliseconds; what a client says of itself may be anything


def handle(person: Participant, request: SignalRequest) -> None:
    """Does what the message asks; kinds that need nothing done (trickle: ICE-lite) are ignored.

    Raises RelayError for what a well-behaved client never sends; the caller decides what becomes of it.
    `leave` is the caller's business.
    """
    kind = request.WhichOneof("message")
    handler = _HANDLERS.get(kind or "")
    if handler is None or kind is None:
        log.debug("%s: %s ignored", person.identity, kind)
        return
    handler(person, getattr(request, kind))


def _offer(person: Participant, description: SessionDescription) -> None:
    person.offer(description)


def add_track(person: Participant, request: AddTrackRequest) -> None:
    """Announces a track; the client offers its media once it has the answer to this."""
    if not person.may_publish(request.source):
        log.warning("%s: may not publish %s", person.identity, request.source)
        refusal = RequestResponse(reason=RequestResponse.Reason.NOT_ALLOWED, add_track=request)
        person.send(SignalResponse(request_response=refusal))
        return
    try:
        track = person.publications.add(
            request, identity=person.identity, sid=person.sid, name=person.info.name
        )
    except LimitExceeded as error:
        log.warning("%s: %s", person.identity, error)
        refusal = RequestResponse(reason=RequestResponse.Reason.LIMIT_EXCEEDED, add_track=request)
        person.send(SignalResponse(request_response=refusal))
        return
    person.send(SignalResponse(track_published=TrackPublishedResponse(cid=request.cid, track=track.info)))


def _mute(person: Participant, request: MuteTrackRequest) -> None:
    track = person.publications.get(request.sid)
    if track is not None:
        person.mute(track, request.muted)


def _subscription(person: Participant, request: UpdateSubscription) -> None:
    groups = (request.track_sids, *(group.track_sids for group in request.participant_tracks))
    wanted = set(chain.from_iterable(groups))
    tracks = _tracks(person, wanted)
    for track in tracks:
        if track.publisher == person.identity:
            continue
        if request.subscribe:
            person.subscribe(track)
        else:
            person.unsubscribe(track)
    if request.subscribe:
        unknown = wanted.difference(track.info.sid for track in tracks)
        for sid in sorted(unknown)[: person.context.limits.tracks]:
            person.send(subscription_failed(sid[:_SID], SubscriptionError.SE_TRACK_NOTFOUND))


def _tracks(person: Participant, sids: Iterable[str]) -> list[UpTrack]:
    """The room's tracks among these, each once, however many sids a client writes into one message."""
    wanted = set(sids)
    return [track for track in person.host.tracks() if track.info.sid in wanted]


def _subscription_permission(person: Participant, wish: SubscriptionPermission) -> None:
    person.host.audience_chosen(person, wish)


def _track_setting(person: Participant, request: UpdateTrackSettings) -> None:
    for track in _tracks(person, request.track_sids):
        down = person.subscriptions.find(track)
        if down is None:
            continue
        down.settings(
            disabled=request.disabled, quality=request.quality, width=request.width, height=request.height
        )
        person.subscriptions.reconsider(down, person.context.clock.monotonic())
        person.host.watched(track)


def _update_layers(person: Participant, request: UpdateVideoLayers) -> None:
    track = person.publications.get(request.track_sid)
    most = person.context.limits.track_description
    if track is not None and len(request.layers) <= 3 and request.ByteSize() <= most:
        del track.info.layers[:]
        track.info.layers.extend(request.layers)
        person.host.updated(person)


def _update_audio(person: Participant, request: UpdateLocalAudioTrack) -> None:
    track = person.publications.get(request.track_sid)
    if track is not None and len(request.features) <= 16:
        track.info.audio_features[:] = request.features
        person.host.updated(person)


def _update_video(person: Participant, request: UpdateLocalVideoTrack) -> None:
    track = person.publications.get(request.track_sid)
    if track is not None:
        track.info.width, track.info.height = request.width, request.height
        person.host.updated(person)


def _metadata(person: Participant, request: UpdateParticipantMetadata) -> None:
    reason = RequestResponse.Reason.OK
    if not person.claims.grants.can_update_own_metadata or person.reserved & set(request.attributes):
        # What the token says (the role, for one) is not the client's to change.
        reason = RequestResponse.Reason.NOT_ALLOWED
    elif not update_info(person, request.name, request.metadata, dict(request.attributes)):
        reason = RequestResponse.Reason.LIMIT_EXCEEDED
    answer = RequestResponse(request_id=request.request_id, reason=reason, update_metadata=request)
    person.send(SignalResponse(request_response=answer))


def update_info(person: Participant, name: str, metadata: str, attributes: dict[str, str]) -> bool:
    """Applies what is not empty (an attribute set to "" is removed); False where it would be too much."""
    merged = {**person.info.attributes, **attributes}
    kept = {key: value for key, value in merged.items() if value}
    if not _within(person.context.limits, name, metadata, kept):
        return False
    if name:
        person.info.name = name
    if metadata:
        person.info.metadata = metadata
    person.info.attributes.clear()
    person.info.attributes.update(kept)
    person.host.updated(person)
    return True


def permit(person: Participant, granted: ParticipantPermission) -> None:
    """Changes what someone may do, at once and in the tokens they are given from now on."""
    before = person.claims.grants
    grants = replace(
        before,
        can_subscribe=granted.can_subscribe,
        can_publish=granted.can_publish,
        can_publish_data=granted.can_publish_data,
        can_update_own_metadata=granted.can_update_metadata,
        can_publish_sources=tuple(map(source_name, granted.can_publish_sources)),
    )
    person.claims = replace(person.claims, grants=grants)
    person.info.permission.CopyFrom(permission(person.claims))
    for track in person.publications:
        if not person.may_publish(track.info.source):
            person.publications.remove(track)
            ended = TrackUnpublishedResponse(track_sid=track.info.sid)
            person.send(SignalResponse(track_unpublished=ended))
    for track in tuple(person.host.tracks()):
        if not grants.can_subscribe:
            person.unsubscribe(track)
        elif not before.can_subscribe and person.auto_subscribe and track.publisher != person.identity:
            person.subscribe(track)
    person.refresh_token()
    person.host.updated(person)


def _within(limits: RelayLimits, name: str, metadata: str, attributes: dict[str, str]) -> bool:
    size = sum(len(key) + len(value) for key, value in attributes.items())
    return (
        len(name) <= limits.name
        and len(metadata) <= limits.metadata
        and len(attributes) <= limits.attributes
        and size <= limits.attributes_bytes
    )


def _ping(person: Participant, _: int) -> None:
    person.send(SignalResponse(pong=person.context.clock.wall_ns() // _MILLISECOND_NS))


def _ping_request(person: Participant, request: Ping) -> None:
    person.gauge.signalling_ms = min(max(0, request.rtt), _LONGEST_PING)
    now = person.context.clock.wall_ns() // _MILLISECOND_NS
    person.send(SignalResponse(pong_resp=Pong(last_ping_timestamp=request.timestamp, timestamp=now)))


def _sync_state(person: Participant, state: SyncState) -> None:
    """After a resume the client says what it still wants: drop what it meanwhile gave up."""
    if not state.subscription.subscribe and person.auto_subscribe:
        _subscription(person, state.subscription)


_HANDLERS: dict[str, Callable[..., None]] = {
    "offer": _offer,
    "add_track": add_track,
    "mute": _mute,
    "subscription": _subscription,
    "subscription_permission": _subscription_permission,
    "track_setting": _track_setting,
    "update_layers": _update_layers,
    "update_audio_track": _update_audio,
    "update_video_track": _update_video,
    "update_metadata": _metadata,
    "ping": _ping,
    "ping_req": _ping_request,
    "sync_state": _sync_state,
}
