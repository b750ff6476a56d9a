"""What the world outside is told of a room: webhooks."""

from collections.abc import Callable

from livekit.protocol import models
from livekit.protocol.egress import EgressInfo
from livekit.protocol.webhook import WebhookEvent

from meetings.relay.participant import Participant
from meetings.relay.uptrack import UpTrack


class Reports:
    """`tell` sends a webhook; `snapshot` gives the room as it is now."""

    def __init__(self, tell: Callable[[WebhookEvent], None], snapshot: Callable[[], models.Room]) -> None:
        self._tell, self._snapshot = tell, snapshot

    def room(self, name: str) -> None:
        self._tell(WebhookEvent(event=name, room=self._snapshot()))

    def person(self, name: str, person: Participant) -> None:
        self._tell(WebhookEvent(event=name, room=self._snapshot(), participant=person.info))

    def track(self, name: str, person: Participant, track: UpTrack) -> None:
        room = self._snapshot()
        self._tell(WebhookEvent(event=name, room=room, participant=person.info, track=track.info))

    def egress(self, name: str, info: EgressInfo) -> None:
        self._tell(WebhookEvent(event=name, egress_info=info))
