"""What a participant asks of its room."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from livekit.protocol.rtc import SubscriptionPermission

from meetings.relay.data import Message
from meetings.relay.uptrack import UpTrack

Person = TypeVar("Person", contravariant=True)


class Host(Protocol[Person]):
    """The room, as its participants see it. `voices` is the number of its microphones towards the plane."""

    @property
    def voices(self) -> int: ...

    def updated(self, participant: Person) -> None:
        """Something that everyone sees of them changed."""

    def published(self, participant: Person, track: UpTrack) -> None: ...

    def unpublished(self, participant: Person, track: UpTrack) -> None: ...

    def muted(self, participant: Person, track: UpTrack) -> None: ...

    def data(self, participant: Person, message: Message) -> None: ...

    def heard(self, participant: Person, level: int, now: float) -> None: ...

    def spoke_at(self, sid: str) -> float:
        """When a participant was last heard speaking (monotonic seconds); -inf: not at all."""

    def tracks(self) -> Iterable[UpTrack]:
        """Everything that is published."""

    def may_watch(self, participant: Person, track: UpTrack) -> bool:
        """Whether the track's publisher lets this participant receive it."""

    def audience_chosen(self, participant: Person, wish: SubscriptionPermission) -> None:
        """They say who may watch their tracks. Raises LimitExceeded."""

    def subscribed(self, track: UpTrack) -> None:
        """Packets of the track flow to one more subscriber."""

    def watched(self, track: UpTrack) -> None:
        """Somebody's demand for the track changed."""

    def sender_report(self, track: UpTrack, rid: str) -> None:
        """A layer's clock pair is up to date."""
