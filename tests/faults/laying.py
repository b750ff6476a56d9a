"""Recordings to disturb: real record logs laid down, stopped, waiting for the media server's last word.

That word is a signed ``egress_ended`` webhook, as LiveKit sends it; all that follows is the server's work.
"""

import secrets
import time
import urllib.request
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from google.protobuf.json_format import MessageToJson
from livekit.protocol.egress import DirectFileOutput, EgressInfo, FileInfo, TrackEgressRequest
from livekit.protocol.webhook import WebhookEvent

from accounts import tenancy
from accounts.models import Membership, User
from meetings.models import Meeting, RecordedTrack, Recording, RecordingState, TrackState
from meetings.relay.signalling import ApiKey
from meetings.services import storage
from meetings.services.meeting import meeting_start
from tests.transcripts.builders import Samples, recording_of, track_log
from tests.transcripts.voices import say_all

SECONDS = 10.0
SPOKEN = (
    ("alice.martin@climate.example", "rms", "the new building will open in the middle of september", 0.0),
    ("ben.fischer@climate.example", "slt", "we should send the document to the ministry before friday", 4.5),
)
"""Who says what by which voice, and when."""


Said = list[tuple[User, Samples, float]]
"""People, what each says as sound, and at which second."""


@dataclass(frozen=True)
class Laid:
    """A recording whose last track has ended without anybody having been told."""

    recording: Recording
    event: WebhookEvent

    def tell(self) -> int:
        """Sends the webhook; gives the HTTP status."""
        body = MessageToJson(self.event).encode()
        key = ApiKey(settings.MEDIA_SERVER_KEY, settings.MEDIA_SERVER_SECRET)
        request = urllib.request.Request(settings.MEDIA_WEBHOOK_URL, body)
        request.add_header("Authorization", key.sign_body(body))
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)


def voices() -> Said:
    """The people of `SPOKEN`, each with what they say as sound."""
    return [
        (User.objects.get(email=email), say_all((text,), voice, pause_s=0.3), at)
        for email, voice, text, at in SPOKEN
    ]


def new_meeting(host: User, title: str) -> Meeting:
    with tenancy.across("tests look for a host's ministry"):
        ministry = Membership.objects.select_related("ministry").get(user=host).ministry
    return meeting_start(host=host, ministry=ministry, title=title, spoken_language="en")


def lay(title: str, said: Said) -> Laid:
    """Everything up to the last webhook. Whole seconds, so that every laid recording is the same sound."""
    host = said[0][0]
    meeting = new_meeting(host, title)
    with tenancy.scope(meeting.ministry_id):
        recording = recording_of(meeting, host, seconds=SECONDS, ago=timedelta(minutes=10))
        recording.started_at = recording.started_at.replace(microsecond=0)
        recording.stopped_at = recording.started_at + timedelta(seconds=SECONDS)
        for user, sound, at in said:
            path = track_log(recording, f"user-{user.id}", user.name, sound, at=at)
            track = RecordedTrack.objects.create(
                recording=recording,
                egress_id=f"EG_{secrets.token_hex(6)}",
                track_sid=path.stem,
                path=f"{storage.recording_prefix(recording)}/{path.name}",
                state=TrackState.WRITING if user is said[-1][0] else TrackState.COMPLETE,
            )
        # Last: from here on the server's sweeper looks after it, and would not wait for a log still to come.
        recording.state, recording.duration = RecordingState.STOPPING, None
        recording.save()
    return Laid(recording, _ended(recording, track))


def _ended(recording: Recording, track: RecordedTrack) -> WebhookEvent:
    prefix = storage.recording_prefix(recording)
    info = EgressInfo(
        egress_id=track.egress_id,
        room_name=str(recording.meeting_id),
        track=TrackEgressRequest(track_id=track.track_sid, file=DirectFileOutput(filepath=prefix)),
        file_results=[FileInfo(size=1)],
    )
    return WebhookEvent(
        event="egress_ended", id=f"EV_{secrets.token_hex(6)}", created_at=int(time.time()), egress_info=info
    )
