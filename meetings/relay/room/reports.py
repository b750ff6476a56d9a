"""What the world outside is told of a room: webhooks."""

from collections.abc import Callable

from livekit.protocol import models
from livekit.protocol.egress import EgressInfo
from livekit.protocol.webhook import WebhookEvent

from meetings.relay.participant import Participant
from meetings.relay.uptrack import UpTrack


class Reports:
    """`tell` sends a webhook; `snapshot` gives the room as it is now.

    As LiveKit tells it: somebody has joined once their transport is connected, and their tracks are published
    after that; who goes before is an aborted connection and nothing else.
    """

    def __init__(self, tell: Callable[[WebhookEvent], None], snapshot: Callable[[], models.Room]) -> None:
        self._tell, self._snapshot = tell, snapshot
        self._connected: set[str] = set()

    def room(self, name: str) -> None:
        self._tell(WebhookEvent(event=name, room=self._snapshot()))

    def connected(self, person: Participant) -> None:
        """Told once for each sid."""
        if person.sid in self._connected:
            return
        self._connected.add(person.sid)
        self._person("participant_joined", person)
        for track in person.publications:
            if track.announced:
                self.published(person, track)

    def left(self, person: Participant) -> None:
        was_here = person.sid in self._connected
        self._connected.discard(person.sid)
        self._person("participant_left" if was_here else "participant_connection_aborted", person)

    def published(self, person: Participant, track: UpTrack) -> None:
        self._track("track_published", person, track)

    def unpublished(self, person: Participant, track: UpTrack) -> None:
        self._track("track_unpublished", person, track)

    def _person(self, name: str, person: Participant) -> None:
        self._tell(WebhookEvent(event=name, room=self._snapshot(), participant=person.info))

    def _track(self, name: str, person: Participant, track: UpTrack) -> None:
        if person.sid in self._connected:
            room = self._snapshot()
            self._tell(WebhookEvent(event=name, room=room, participant=person.info, track=track.info))

    def egress(self, name: str, info: EgressInfo) -> None:
        self._tell(WebhookEvent(event=name, egress_info=info))
