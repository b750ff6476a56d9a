"""What clients are told about a person, as LiveKit's messages."""

import secrets
from collections.abc import Sequence
from typing import Final

from livekit.protocol.models import (
    ConnectionQuality,
    DisconnectReason,
    ParticipantInfo,
    ParticipantPermission,
    TrackSource,
    VideoQuality,
)
from livekit.protocol.rtc import (
    LeaveRequest,
    SignalResponse,
    StreamState,
    StreamStateInfo,
    StreamStateUpdate,
    SubscribedCodec,
    SubscribedQuality,
    SubscribedQualityUpdate,
)

from meetings.relay.downtrack import DownTrack
from meetings.relay.interface import JoinClaims
from meetings.relay.uptrack import UpTrack

_QUALITIES: Final = (VideoQuality.LOW, VideoQuality.MEDIUM, VideoQuality.HIGH)


def source_name(source: int) -> str:
    """As tokens name it, for example "screen_share"; a number not known here is a name of its own."""
    known: str | None = {number: name.lower() for name, number in TrackSource.items()}.get(source)
    return known or f"source-{source}"


def leave(action: LeaveRequest.Action, reason: DisconnectReason) -> SignalResponse:
    """Tells a client to go, or to come back."""
    back = action != LeaveRequest.Action.DISCONNECT
    return SignalResponse(leave=LeaveRequest(action=action, reason=reason, can_reconnect=back))


def layer_limits(track: UpTrack, top: int) -> SignalResponse:
    """Dynacast: layers above `top` (-1: all of them) are not watched."""
    qualities = [SubscribedQuality(quality=level, enabled=level <= top) for level in _QUALITIES]
    codec = SubscribedCodec(codec=track.codec_name.lower(), qualities=qualities)
    update = SubscribedQualityUpdate(
        track_sid=track.info.sid, subscribed_qualities=qualities, subscribed_codecs=[codec]
    )
    return SignalResponse(subscribed_quality_update=update)


def stream_states(changed: Sequence[tuple[DownTrack, bool]]) -> SignalResponse:
    """Subscriptions that were paused for want of bandwidth (True) or go on (False)."""
    states = [
        StreamStateInfo(
            participant_sid=down.up.publisher_sid,
            track_sid=down.up.info.sid,
            state=StreamState.PAUSED if paused else StreamState.ACTIVE,
        )
        for down, paused in changed
    ]
    return SignalResponse(stream_state_update=StreamStateUpdate(stream_states=states))


def quality_of(loss: float) -> ConnectionQuality:
    """By the worst lost fraction, 0 to 1."""
    if loss > 0.10:
        return ConnectionQuality.POOR
    return ConnectionQuality.GOOD if loss > 0.03 else ConnectionQuality.EXCELLENT


def describe(claims: JoinClaims, wall_ns: int, client_protocol: int) -> ParticipantInfo:
    """Someone who has just joined."""
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
