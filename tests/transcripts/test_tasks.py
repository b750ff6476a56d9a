"""The Celery edge, and once everything: flite's voices, Opus, record logs, the genuine recogniser."""

import jiwer
import pytest
from celery import current_app

from accounts import tenancy
from meetings import jobs
from meetings.models import Job, JobState, Meeting
from meetings.services import storage
from tests.conftest import People
from tests.transcripts.builders import recording_of, track_log
from tests.transcripts.voices import needs_flite, say_all
from transcripts import tasks
from transcripts.models import SpeakerTurn, Transcript
from transcripts.services.search import Answers


def test_the_job_has_a_task_of_its_name() -> None:
    assert current_app.tasks[jobs.TRANSCRIBE] is not None
    assert current_app.tasks[jobs.TRANSCRIBE].name == tasks.transcribe.name


def test_one_transcript_is_made_at_a_time_and_the_next_waits(people: People, meeting: Meeting) -> None:
    """Otherwise two long ones would keep the worker from making recordings playable."""
    recording = recording_of(meeting, people.host)
    with tenancy.scope(meeting.ministry_id):
        job = jobs.enqueue(jobs.TRANSCRIBE, recording.id)
        with tasks._one_at_a_time:
            tasks.transcribe(str(job.id), str(job.ministry_id))
        job.refresh_from_db()
        assert (job.state, job.attempts) == (JobState.QUEUED, 0)
        tasks.transcribe(str(job.id), str(job.ministry_id))
        job.refresh_from_db()
        assert job.state == JobState.DONE


@needs_flite
@pytest.mark.django_db(transaction=True)
def test_two_voices_become_a_transcript_with_names_that_is_found(people: People, meeting: Meeting) -> None:
    first = ("good morning everyone and thank you for joining the meeting",)
    second = ("the new building will open in the middle of september",)
    recording = recording_of(meeting, people.host, seconds=16.0)
    track_log(recording, "user-1", "Hélène", say_all(first, "slt"), at=0.5)
    track_log(recording, "user-2", "Ivan", say_all(second, "rms"), at=8.0)
    with tenancy.scope(meeting.ministry_id):
        job = jobs.enqueue(jobs.TRANSCRIBE, recording.id)
    tasks.transcribe(str(job.id), str(job.ministry_id))
    with tenancy.scope(meeting.ministry_id):
        job = Job.objects.get(id=job.id)
        assert (job.state, job.error) == (JobState.DONE, "")
        assert Transcript.objects.get().engine == "pocketsphinx"
        said = {name: _said(name) for name in ("Hélène", "Ivan")}
    assert jiwer.wer(first[0], said["Hélène"]) <= 0.2
    assert jiwer.wer(second[0], said["Ivan"]) <= 0.2
    (hit,) = Answers(user=people.invitee, text="september")
    assert hit.speaker == "Ivan"
    assert 11.0 < hit.start < 14.0
    assert {path.suffix for path in storage.recording_folder(recording).iterdir()} == {".vlog"}


def _said(name: str) -> str:
    return " ".join(turn.text for turn in SpeakerTurn.objects.filter(speaker=name))
