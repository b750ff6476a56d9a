"""Rows that wait for a word that never came are looked after."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import tenancy
from meetings.models import Attendance, Meeting, MeetingState, Recording, RecordingState, WebhookReceipt
from meetings.services import meeting as meetings
from meetings.services import sweeping
from tests.conftest import People
from tests.meetings.media_server import FakeMediaServer

pytestmark = pytest.mark.usefixtures("in_ministry")


@pytest.fixture
def stay(meeting: Meeting) -> Attendance:
    """Somebody has been in the live meeting for an hour, as far as is known."""
    meetings.room_opened(meeting=meeting)
    since = timezone.now() - timedelta(hours=1)
    return Attendance.objects.create(
        meeting=meeting, identity="user-1", name="Hélène", participant_sid="PA_1", joined_at=since
    )


def test_a_meeting_whose_end_was_never_told_is_ended(
    stay: Attendance, meeting: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    """The relay was killed: nobody told the portal that the room is gone."""
    with tenancy.scope(people.other_ministry.id):
        sweeping.sweep()
    meeting.refresh_from_db()
    stay.refresh_from_db()
    assert meeting.state == MeetingState.ENDED
    assert stay.left_at is not None


def test_a_meeting_that_is_held_goes_on(
    stay: Attendance, meeting: Meeting, media_server: FakeMediaServer
) -> None:
    media_server.rooms = {meeting.room}
    sweeping.sweep()
    meeting.refresh_from_db()
    assert meeting.state == MeetingState.LIVE


def test_a_meeting_goes_on_while_the_media_server_does_not_answer(
    stay: Attendance, meeting: Meeting, media_server: FakeMediaServer
) -> None:
    media_server.broken = True
    sweeping.sweep()
    meeting.refresh_from_db()
    assert meeting.state == MeetingState.LIVE


def test_a_room_younger_than_the_list_is_not_ended(
    stay: Attendance, meeting: Meeting, media_server: FakeMediaServer
) -> None:
    Attendance.objects.update(joined_at=timezone.now())
    sweeping.sweep()
    meeting.refresh_from_db()
    assert meeting.state == MeetingState.LIVE


def test_a_recording_waits_while_the_media_server_may_still_record(
    meeting: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    row = Recording.objects.create(
        meeting=meeting,
        started_by=people.host,
        state=RecordingState.STOPPING,
        sealed_key=b"x",
        stopped_at=timezone.now() - timedelta(minutes=1),
    )
    media_server.broken = True
    sweeping.sweep()
    row.refresh_from_db()
    assert row.state == RecordingState.STOPPING
    Recording.objects.update(stopped_at=timezone.now() - sweeping.UNREACHABLE_PATIENCE)
    sweeping.sweep()
    row.refresh_from_db()
    assert row.state == RecordingState.PROCESSING


def test_one_question_is_asked_however_many_meetings_are_live(
    people: People, media_server: FakeMediaServer
) -> None:
    for number in range(5):
        made = meetings.meeting_start(host=people.host, ministry=people.ministry, title=f"Meeting {number}")
        meetings.room_opened(meeting=made)
    sweeping.sweep()
    assert len(media_server.asked("ListRooms")) == 1


def test_old_receipts_are_forgotten_and_young_ones_kept(people: People) -> None:
    WebhookReceipt.objects.create(event_id="EV_old", received_at=timezone.now() - timedelta(days=2))
    WebhookReceipt.objects.create(event_id="EV_new")
    assert sweeping.receipts_forget() == 1
    assert WebhookReceipt.objects.get().event_id == "EV_new"


def test_a_recording_waits_no_hour_where_the_clock_was_set_back(
    meeting: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    """Its rows were written before: by the clock, in an hour."""
    later = timezone.now() + timedelta(hours=1)
    row = Recording.objects.create(
        meeting=meeting, started_by=people.host, started_at=later, missed_since=later, sealed_key=b"x"
    )
    sweeping.sweep()
    row.refresh_from_db()
    assert row.state == RecordingState.STOPPING
