"""Who is gone without having said so."""

from dataclasses import dataclass
from typing import Final

from livekit.protocol.models import DisconnectReason
from livekit.protocol.rtc import LeaveRequest

from meetings.relay.participant import Participant

# A transport that ended while its socket lives: the client is reconnecting and will tell (seconds).
TRANSPORT_GRACE: Final = 5.0


@dataclass(frozen=True)
class Verdict:
    """Why someone is removed, and what their client is told; `action` None: it cannot be told."""

    reason: DisconnectReason
    action: LeaveRequest.Action | None


BROKEN: Final = Verdict(DisconnectReason.STATE_MISMATCH, LeaveRequest.Action.RECONNECT)
SILENT: Final = Verdict(DisconnectReason.CONNECTION_TIMEOUT, LeaveRequest.Action.DISCONNECT)


def stale(person: Participant, now: float) -> Verdict | None:
    """None for somebody who is there, or may still come back."""
    limits = person.context.limits
    resume = limits.resume
    if person.gone_at is not None and now - person.gone_at > resume:
        return Verdict(DisconnectReason.SIGNAL_CLOSE, None)
    if not person.peer.begun and now - person.came_at > limits.first_offer:
        return SILENT
    broken = person.lost_at is not None and now - person.lost_at > TRANSPORT_GRACE
    if broken or person.peer.consent_lost(now):
        return Verdict(DisconnectReason.CONNECTION_TIMEOUT, LeaveRequest.Action.RECONNECT)
    return None
