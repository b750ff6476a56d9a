"""Deleting a meeting while anything goes on: nothing stays on disk, in the outbox or in the index."""

from pathlib import Path

import pytest

from accounts import tenancy
from meetings import jobs, selectors
from meetings.errors import LeaseLost, MediaServerDown
from meetings.models import Job, JobState, Meeting, Recording, RecordingState
from meetings.selectors import Viewer
from meetings.services import deletion, outbox, processing, recording, storage
from meetings.services import meeting as meetings
from tests.conftest import People
from tests.meetings.media_server import FakeMediaServer
from tests.transcripts.builders import recording_of, tone, track_log

pytestmark = pytest.mark.usefixtures("in_ministry")


@pytest.fixture
def recorded(people: People, meeting: Meeting) -> Recording:
    made = recording_of(meeting, people.host, seconds=2.0)
    Recording.objects.update(state=RecordingState.PROCESSING)
    track_log(made, "user-1", "Hélène", tone(1.0))
    return made


def _delete(meeting: Meeting, people: People) -> None:
    deletion.meeting_delete(meeting=meeting, by=selectors.standing(meeting, Viewer(user=people.host)))


def _left(folder: Path) -> list[Path]:
    return [path for path in folder.parent.rglob("*") if folder.name in str(path)]


def test_a_meeting_deleted_while_it_is_processed_leaves_nothing(
    recorded: Recording, meeting: Meeting, people: People
) -> None:
    folder = storage.meeting_folder(meeting.ministry_id, meeting.id)
    job = jobs.enqueue(jobs.PROCESS_RECORDING, recorded.id)

    def perform(lease: outbox.Lease) -> None:
        _delete(meeting, people)
        processing.WORK.perform(lease)

    outbox.work_on(
        job_id=job.id, ministry_id=people.ministry.id, work=outbox.Work(perform, processing.WORK.give_up)
    )
    assert _left(folder) == []
    assert not Recording.objects.exists()
    assert not Job.objects.filter(subject=recorded.id).exists()


def test_a_worker_notices_that_its_recording_was_deleted(
    recorded: Recording, meeting: Meeting, people: People
) -> None:
    job = jobs.enqueue(jobs.PROCESS_RECORDING, recorded.id)
    lease = outbox.lease_take(job.id)
    assert lease is not None
    _delete(meeting, people)
    with pytest.raises(LeaseLost):
        lease.progress("remuxing", 0.5)
    with pytest.raises(LeaseLost), lease.outcome():
        raise AssertionError("an outcome was written about a deleted recording")


def test_a_writer_that_goes_on_finds_no_folder(recorded: Recording, meeting: Meeting, people: People) -> None:
    folder = storage.recording_folder(recorded)
    _delete(meeting, people)
    with pytest.raises(FileNotFoundError):
        (folder / "late.webm").write_bytes(b"somebody's voice")


def test_a_room_that_could_not_be_ended_is_asked_again_and_its_files_removed(
    recorded: Recording, meeting: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    media_server.broken, media_server.rooms = True, {meeting.room}
    room, folder = meeting.room, storage.meeting_folder(meeting.ministry_id, meeting.id)
    _delete(meeting, people)
    job = Job.objects.get(name=jobs.REMOVE_FILES)
    outbox.work_on(job_id=job.id, ministry_id=people.ministry.id, work=deletion.WORK)
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert MediaServerDown.__name__ in job.error
    folder.mkdir(parents=True)
    (folder / "TR_late.vlog").write_bytes(b"written meanwhile")
    media_server.broken = False
    Job.objects.update(not_before=job.created_at)
    outbox.work_on(job_id=job.id, ministry_id=people.ministry.id, work=deletion.WORK)
    job.refresh_from_db()
    assert job.state == JobState.DONE
    assert [request.room for request in media_server.asked("DeleteRoom")] == [room]
    assert _left(folder) == []


def test_the_key_of_a_deleted_meetings_recording_is_given_to_nobody(
    meeting: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    meetings.room_opened(meeting=meeting)
    standing = selectors.standing(meeting, Viewer(user=people.host))
    recording.recording_start(meeting=meeting, by=standing, user=people.host)
    room = meeting.room
    _delete(meeting, people)
    with pytest.raises(recording.WrongState), tenancy.scope(people.other_ministry.id):
        recording.running_key(room=room)
