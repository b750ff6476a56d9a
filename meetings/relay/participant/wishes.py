"""What one participant wants to receive, and what of it they may."""

from collections.abc import Callable

from livekit.protocol.models import SubscriptionError
from livekit.protocol.rtc import SignalResponse, SubscriptionPermissionUpdate, SubscriptionResponse

from meetings.relay.participant.subscriptions import Subscriptions
from meetings.relay.uptrack import UpTrack


class Wishes:
    """Remembers what a publisher withholds, so that it comes as soon as it is allowed.

    `allowed(track)` asks the room whether the publisher lets this participant watch; `tell` reaches the
    client.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        allowed: Callable[[UpTrack], bool],
        tell: Callable[[SignalResponse], None],
    ) -> None:
        self._subscriptions, self._allowed, self._tell = subscriptions, allowed, tell
        self._withheld: dict[str, UpTrack] = {}

    def add(self, track: UpTrack) -> bool:
        """True where a new subscription now waits for its section."""
        if self._allowed(track):
            return self._subscriptions.add(track)
        if track.info.sid not in self._withheld:
            self._withhold(track)
        return False

    def drop(self, track: UpTrack) -> bool:
        """True where there was a subscription."""
        self._withheld.pop(track.info.sid, None)
        return self._subscriptions.remove(track)

    def reconsider(self, track: UpTrack) -> bool:
        """The publisher has chosen anew who may watch; True where that changed what is received."""
        if self._allowed(track):
            if self._withheld.pop(track.info.sid, None) is None:
                return False
            self._tell(_permission(track, allowed=True))
            return self._subscriptions.add(track)
        if not self._subscriptions.remove(track):
            return False
        self._withhold(track)
        return True

    def refuse_undecodable(self) -> None:
        """Gives up what the client has just offered no codec for, and tells it so."""
        for down in self._subscriptions.undecodable():
            self._subscriptions.remove(down.up)
            self._tell(subscription_failed(down.up.info.sid, SubscriptionError.SE_CODEC_UNSUPPORTED))

    def _withhold(self, track: UpTrack) -> None:
        self._withheld[track.info.sid] = track
        self._tell(_permission(track, allowed=False))


def subscription_failed(track_sid: str, why: SubscriptionError) -> SignalResponse:
    """A subscription that was asked for and will not come."""
    return SignalResponse(subscription_response=SubscriptionResponse(track_sid=track_sid, err=why))


def _permission(track: UpTrack, *, allowed: bool) -> SignalResponse:
    update = SubscriptionPermissionUpdate(
        participant_sid=track.publisher_sid, track_sid=track.info.sid, allowed=allowed
    )
    return SignalResponse(subscription_permission_update=update)
