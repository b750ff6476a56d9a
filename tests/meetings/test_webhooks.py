"""What a media server tells the portal: signed, acted upon once, in whatever order it comes."""

import base64
import hashlib
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from google.protobuf.json_format import MessageToJson
from livekit import api
from livekit.protocol import egress, models
from livekit.protocol.webhook import WebhookEvent

from accounts import tenancy
from meetings.models import Job, Meeting, MeetingState, RecordedTrack, Recording, RecordingState
from meetings.services import storage
from tests.conftest import People
from tests.meetings.media_server import FakeMediaServer

Tell = Callable[..., HttpResponse]


def _signature(body: str, *, secret: str = "", **claims: Any) -> str:
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    now = int(time.time())
    payload = {
        "iss": settings.MEDIA_SERVER_KEY,
        "nbf": now - 5,
        "exp": now + 3600,
        "sha256": digest,
        **claims,
    }
    return jwt.encode(payload, secret or settings.MEDIA_SERVER_SECRET, algorithm="HS256")


def _deliver(body: str, signature: str) -> HttpResponse:
    return Client().post(
        reverse("livekit-webhook"),
        body,
        content_type="application/webhook+json",
        headers={"authorization": signature},
    )


@pytest.fixture
def tell(meeting: Meeting) -> Tell:
    """Delivers a signed event about the meeting's room; each has an id of its own unless one is given."""
    count = iter(range(1000))

    def deliver(kind: str, *, event_id: str = "", **fields: Any) -> HttpResponse:
        event = WebhookEvent(
            event=kind,
            id=event_id or f"EV_{next(count)}",
            room=models.Room(name=meeting.room, sid="RM_1"),
            **{"created_at": int(time.time()), **fields},
        )
        body = MessageToJson(event)
        return _deliver(body, _signature(body))

    return deliver


def _person(sid: str = "PA_1") -> models.ParticipantInfo:
    return models.ParticipantInfo(sid=sid, identity="user-1", name="Hélène")


def _egress(recording: Recording, sid: str = "TR_1") -> api.EgressInfo:
    prefix = storage.recording_prefix(recording)
    return api.EgressInfo(
        egress_id=f"EG_{sid}",
        room_name=str(recording.meeting_id),
        track=egress.TrackEgressRequest(
            room_name=str(recording.meeting_id),
            track_id=sid,
            file=egress.DirectFileOutput(filepath=prefix),
        ),
        file_results=[egress.FileInfo(filename=f"{prefix}/{sid}.vlog", size=4711)],
    )


@pytest.fixture
def recording(people: People, meeting: Meeting) -> Recording:
    with tenancy.scope(people.ministry.id):
        return Recording.objects.create(
            meeting=meeting, started_by=people.host, state=RecordingState.STOPPING, sealed_key=b"x"
        )


@pytest.mark.parametrize(
    "sign",
    [
        lambda body: "",
        lambda body: "Bearer nonsense",
        lambda body: _signature(body, secret="x" * 32),
        lambda body: _signature(body, exp=int(time.time()) - 3600),
        lambda body: _signature(body, iss="somebody"),
        lambda body: _signature(body + " "),
    ],
    ids=["none", "nonsense", "foreign secret", "expired", "foreign issuer", "another body"],
)
def test_unsigned_and_wrongly_signed_events_change_nothing(
    meeting: Meeting, sign: Callable[[str], str]
) -> None:
    body = MessageToJson(WebhookEvent(event="room_started", id="EV", room=models.Room(name=meeting.room)))
    assert _deliver(body, sign(body)).status_code == 401
    meeting.refresh_from_db()
    assert meeting.state == MeetingState.PLANNED


@pytest.mark.parametrize("body", ["", "{", '{"event": 7}', "\x00"])
def test_signed_nonsense_is_refused(db: None, body: str) -> None:
    assert _deliver(body, _signature(body)).status_code in (400, 401)


def test_events_about_rooms_that_are_no_meeting_are_ignored(db: None) -> None:
    body = MessageToJson(
        WebhookEvent(event="room_started", id="EV", room=models.Room(name="somebody's room"))
    )
    assert _deliver(body, _signature(body)).status_code == 200


def test_the_meeting_follows_its_room(tell: Tell, meeting: Meeting) -> None:
    assert tell("room_started").status_code == 200
    meeting.refresh_from_db()
    assert meeting.state == MeetingState.LIVE
    tell("room_finished")
    meeting.refresh_from_db()
    assert meeting.state == MeetingState.ENDED


def test_attendance_is_kept_from_joining_to_leaving(tell: Tell, meeting: Meeting, people: People) -> None:
    tell("participant_joined", participant=_person())
    with tenancy.scope(people.ministry.id):
        stay = meeting.attendance.get()
        assert (stay.name, stay.left_at) == ("Hélène", None)
        tell("participant_left", participant=_person())
        stay.refresh_from_db()
        assert stay.left_at is not None


def test_leaving_told_before_joining_is_one_finished_stay(
    tell: Tell, meeting: Meeting, people: People
) -> None:
    tell("participant_left", participant=_person())
    tell("participant_joined", participant=_person())
    with tenancy.scope(people.ministry.id):
        assert meeting.attendance.get().left_at is not None


def test_whoever_was_still_in_the_room_left_with_it(tell: Tell, meeting: Meeting, people: People) -> None:
    tell("participant_joined", participant=_person())
    tell("room_finished")
    with tenancy.scope(people.ministry.id):
        assert meeting.attendance.get().left_at is not None


def test_the_end_of_a_room_told_late_ends_nothing_that_came_after(
    tell: Tell, meeting: Meeting, recording: Recording, people: People
) -> None:
    """Regression: news held back while the portal was away ended the recording of the meeting's next room."""
    with tenancy.scope(people.ministry.id):
        Recording.objects.update(state=RecordingState.RUNNING)
        tell("room_started")
        tell("participant_joined", participant=_person("PA_old"), created_at=int(time.time()) - 60)
        tell("participant_joined", participant=_person("PA_new"))
        tell("room_finished", created_at=int(time.time()) - 30)
        meeting.refresh_from_db()
        recording.refresh_from_db()
        assert meeting.state == MeetingState.LIVE
        assert recording.state == RecordingState.RUNNING
        ended = {stay.participant_sid for stay in meeting.attendance.exclude(left_at=None)}
        assert ended == {"PA_old"}


def test_the_same_event_told_twice_happens_once(tell: Tell, meeting: Meeting) -> None:
    tell("room_started", event_id="EV_same")
    tell("room_finished")
    assert tell("room_started", event_id="EV_same").status_code == 200
    meeting.refresh_from_db()
    assert meeting.state == MeetingState.ENDED


def test_the_last_closed_track_starts_the_processing(
    tell: Tell, recording: Recording, people: People
) -> None:
    with tenancy.scope(people.ministry.id):
        tell("egress_started", egress_info=_egress(recording))
        assert RecordedTrack.objects.get().track_sid == "TR_1"
        assert not Job.objects.exists()
        tell("egress_ended", egress_info=_egress(recording))
        recording.refresh_from_db()
        assert RecordedTrack.objects.get().bytes == 4711
        assert Job.objects.get().subject == recording.id
    assert recording.state == RecordingState.PROCESSING


def test_a_track_of_another_meetings_recording_is_ignored(
    tell: Tell, recording: Recording, people: People
) -> None:
    with tenancy.scope(people.ministry.id):
        foreign = _egress(recording)
        foreign.track.file.filepath = f"{recording.ministry_id}/{recording.id}/{recording.id}"
        assert tell("egress_ended", egress_info=foreign).status_code == 200
        assert not RecordedTrack.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_recording_goes_on_when_the_media_server_comes_back(
    tell: Tell, recording: Recording, people: People, media_server: FakeMediaServer
) -> None:
    with tenancy.scope(people.ministry.id):
        Recording.objects.update(state=RecordingState.RUNNING)
    tell("room_started")
    (request,) = media_server.asked("CreateRoom")
    assert request.egress.tracks.filepath == storage.recording_prefix(recording)


@pytest.mark.django_db(transaction=True)
def test_a_stopped_recording_does_not_start_again(
    tell: Tell, recording: Recording, media_server: FakeMediaServer
) -> None:
    tell("room_started")
    assert not media_server.calls


@pytest.mark.parametrize(
    "fields",
    [
        {"created_at": 17_000_000_000_000},
        {"created_at": -1},
        {"id": "x" * 200},
        {"participant": models.ParticipantInfo(identity="a\0b", sid="PA_1")},
        {"participant": models.ParticipantInfo(identity="x" * 81, sid="PA_1")},
    ],
)
def test_an_event_that_cannot_be_kept_is_refused(
    meeting: Meeting, people: People, fields: dict[str, Any]
) -> None:
    """Regression (found by fuzzing): a year that is none was an internal error; so were overlong texts, on
    PostgreSQL."""
    told: dict[str, Any] = {"event": "participant_joined", "id": "EV_1", "created_at": 1, **fields}
    body = MessageToJson(WebhookEvent(room=models.Room(name=meeting.room), **told))
    assert _deliver(body, _signature(body)).status_code == 400
    with tenancy.scope(people.ministry.id):
        assert not meeting.attendance.exists()
