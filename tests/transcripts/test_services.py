"""The transcription job, with real record logs, the real outbox and a make-believe recogniser."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from meetings import jobs
from meetings.models import Job, JobState, Meeting, Recording
from meetings.services import outbox, storage
from meetings.services.outbox import Work
from tests.conftest import People
from tests.transcripts.builders import recording_of, tone, track_log
from transcripts.engines.base import EngineSettings, Progress, Word
from transcripts.errors import RecogniserDied
from transcripts.models import Revision, SpeakerTurn, Transcript, TranscriptState
from transcripts.pipeline import sound
from transcripts.pipeline.child import Request
from transcripts.services import sounds
from transcripts.services.search import Answers
from transcripts.services.transcription import recording_transcribe, transcript_give_up

pytestmark = pytest.mark.usefixtures("in_ministry")


@dataclass
class MakeBelieve:
    """Hears a word where a track's sound begins, another where it ends. Does *meanwhile* while it works."""

    meanwhile: Callable[[], None] = lambda: None
    started: list[str] = field(default_factory=list)
    heard: list[Path] = field(default_factory=list)
    running: int = 0

    @contextmanager
    def __call__(self, engine: str, settings: EngineSettings) -> Iterator["MakeBelieve"]:
        self.started.append(engine)
        self.running += 1
        try:
            yield self
        finally:
            self.running -= 1

    def transcribe(self, request: Request, progress: Progress) -> list[Word]:
        self.heard.append(request.path)
        loud = [at for at, sample in enumerate(sound.read(request.path)) if abs(int(sample)) > 2000]
        first, last = loud[0] / 16_000, loud[-1] / 16_000
        progress(0.5)
        self.meanwhile()
        progress(1.0)
        return [Word("hello", first, first + 0.2), Word("budget", last - 0.2, last, 0.91234)]


@pytest.fixture
def recording(people: People, meeting: Meeting) -> Recording:
    """Five seconds: Hélène from 1.0 to 1.6 s, Ivan from 3.0 to 3.6 s."""
    made = recording_of(meeting, people.host)
    track_log(made, "user-1", "Hélène", tone(0.6), at=1.0)
    track_log(made, "user-2", "Ivan", tone(0.6, 330), at=3.0)
    return made


def _work(recognition: MakeBelieve) -> Work:
    return Work(perform=partial(recording_transcribe, recognition=recognition), give_up=transcript_give_up)


def _run(recording: Recording, recognition: MakeBelieve) -> Job:
    job = jobs.enqueue(jobs.TRANSCRIBE, recording.id)
    outbox.work_on(job_id=job.id, ministry_id=job.ministry_id, work=_work(recognition))
    job.refresh_from_db()
    return job


def _again(job: Job, **values: Any) -> None:
    Job.objects.filter(id=job.id).update(state=JobState.QUEUED, not_before=timezone.now(), **values)


def test_every_person_is_heard_by_themselves_and_named(recording: Recording) -> None:
    recognition = MakeBelieve()
    job = _run(recording, recognition)
    assert (job.state, job.error) == (JobState.DONE, "")
    transcript = Transcript.objects.get()
    assert (transcript.state, transcript.engine, transcript.quality) == ("ready", "pocketsphinx", "demo")
    assert transcript.finished_at is not None
    turns = list(SpeakerTurn.objects.all())
    assert [(turn.speaker, turn.identity, turn.text) for turn in turns] == [
        ("Hélène", "user-1", "hello budget"),
        ("Ivan", "user-2", "hello budget"),
    ]
    assert turns[0].start == pytest.approx(1.0, abs=0.05)
    assert turns[1].start == pytest.approx(3.0, abs=0.05)
    assert turns[1].words[1]["confidence"] == 0.912
    assert recognition.started == ["pocketsphinx"]


def test_several_tracks_of_one_person_stay_one_speaker(people: People, recording: Recording) -> None:
    track_log(recording, "user-1", "Hélène", tone(0.6), at=4.2, source="screen_share_audio")
    _run(recording, MakeBelieve())
    turns = list(SpeakerTurn.objects.filter(identity="user-1"))
    assert [round(turn.start) for turn in turns] == [1, 4]
    assert {turn.speaker for turn in turns} == {"Hélène"}


def test_plain_sound_is_gone_when_the_work_is_done(recording: Recording) -> None:
    recognition = MakeBelieve()
    folder = storage.recording_folder(recording)
    left_by_a_killed_worker = folder / "speech-0"
    left_by_a_killed_worker.mkdir()
    _run(recording, recognition)
    assert len(recognition.heard) == 2
    assert not any(path.exists() for path in recognition.heard)
    assert all(folder in path.parents for path in recognition.heard)
    assert {path.suffix for path in folder.iterdir()} == {".vlog"}


def test_done_twice_it_leaves_one_revision_and_one_passage_each(people: People, recording: Recording) -> None:
    job = _run(recording, MakeBelieve())
    _again(job)
    _run(recording, MakeBelieve())
    assert Job.objects.get().attempts == 2
    assert Revision.objects.count() == 1
    assert SpeakerTurn.objects.count() == 2
    assert len(Answers(user=people.host, text="budget")) == 2


def test_a_worker_that_died_midway_leaves_no_trace(people: People, recording: Recording) -> None:
    def die() -> None:
        raise RecogniserDied("pocketsphinx was ended by signal 9")

    recognition = MakeBelieve(die)
    job = _run(recording, recognition)
    assert (job.state, recognition.running) == (JobState.QUEUED, 0)
    assert "signal 9" in job.error
    assert Transcript.objects.get().state == TranscriptState.TRANSCRIBING
    assert not Revision.objects.exists()
    _again(job)
    assert _run(recording, MakeBelieve()).state == JobState.DONE
    assert SpeakerTurn.objects.count() == 2


def test_the_last_attempt_says_that_it_failed(recording: Recording) -> None:
    def die() -> None:
        raise RecogniserDied("pocketsphinx was ended by signal 9")

    job = jobs.enqueue(jobs.TRANSCRIBE, recording.id)
    _again(job, attempts=outbox.MOST_ATTEMPTS - 1)
    assert _run(recording, MakeBelieve(die)).state == JobState.FAILED
    transcript = Transcript.objects.get()
    assert transcript.state == TranscriptState.FAILED
    assert transcript.reason.startswith("The recording is kept, but its speech could not be recognised")


def test_a_worker_that_lost_its_lease_stops_and_writes_nothing(recording: Recording) -> None:
    quick = MakeBelieve()

    def another_takes_over() -> None:
        expired = timezone.now() - timedelta(seconds=1)
        Job.objects.filter(state=JobState.RUNNING).update(leased_until=expired)
        slow.meanwhile = lambda: None
        _run(recording, quick)

    slow = MakeBelieve(another_takes_over)
    job = _run(recording, slow)
    assert (len(slow.heard), slow.running) == (1, 0)
    assert len(quick.heard) == 2
    assert (job.state, job.fence) == (JobState.DONE, 2)
    assert Revision.objects.count() == 1
    assert Transcript.objects.get().state == TranscriptState.READY


def test_a_language_that_no_engine_knows_keeps_the_recording(recording: Recording, meeting: Meeting) -> None:
    Meeting.objects.filter(id=meeting.id).update(spoken_language="fr")
    recognition = MakeBelieve()
    assert _run(recording, recognition).state == JobState.DONE
    transcript = Transcript.objects.get()
    assert (transcript.state, transcript.language) == (TranscriptState.UNAVAILABLE, "fr")
    sentence, *engines = transcript.reason.splitlines()
    assert sentence == "No installed recogniser understands French."
    assert "pocketsphinx: speaks only en" in engines
    assert any(line.startswith("faster_whisper: ") for line in engines)
    assert recognition.started == []
    assert len(list(storage.recording_folder(recording).glob("*.vlog"))) == 2


def test_an_engine_that_does_not_exist_is_said(recording: Recording, settings: Any) -> None:
    settings.SPEECH = replace(settings.SPEECH, engines=("oracle",))
    _run(recording, MakeBelieve())
    transcript = Transcript.objects.get()
    assert transcript.state == TranscriptState.UNAVAILABLE
    assert "oracle" in transcript.reason


def test_a_recording_without_sound_is_a_ready_and_empty_transcript(people: People, meeting: Meeting) -> None:
    recognition = MakeBelieve()
    _run(recording_of(meeting, people.host), recognition)
    transcript = Transcript.objects.get()
    assert (transcript.state, SpeakerTurn.objects.count()) == (TranscriptState.READY, 0)
    assert transcript.reason == "Nobody's microphone was on while this was recorded."
    assert recognition.started == []


def test_a_damaged_track_is_left_out_and_said(recording: Recording) -> None:
    damaged = track_log(recording, "user-3", "Mallory", tone(0.6), at=2.0)
    content = bytearray(damaged.read_bytes())
    content[-60] ^= 1
    damaged.write_bytes(content)
    assert _run(recording, MakeBelieve()).state == JobState.DONE
    assert set(SpeakerTurn.objects.values_list("speaker", flat=True)) == {"Hélène", "Ivan"}
    assert Transcript.objects.get().reason == "1 track(s) could not be read; what was said there is missing."


def test_a_recording_deleted_meanwhile_is_no_failure(recording: Recording) -> None:
    job = jobs.enqueue(jobs.TRANSCRIBE, recording.id)
    Recording.objects.filter(id=recording.id).delete()
    outbox.work_on(job_id=job.id, ministry_id=job.ministry_id, work=_work(MakeBelieve()))
    job.refresh_from_db()
    assert job.state == JobState.DONE
    assert not Transcript.objects.exists()


def test_progress_is_told_while_it_works(recording: Recording) -> None:
    seen: list[tuple[str, float]] = []
    recognition = MakeBelieve(lambda: seen.append(Job.objects.values_list("stage", "progress").get()))
    _run(recording, recognition)
    assert [stage for stage, _ in seen] == ["transcribing", "transcribing"]
    assert 0 < seen[0][1] < seen[1][1] < 1


def test_unencrypted_sound_left_by_a_kill_in_the_middle_of_its_removal_goes(recording: Recording) -> None:
    """It was renamed to be removed, and then looked like nobody's."""
    left = storage.recording_folder(recording) / ".removed-speech-1"
    left.mkdir()
    (left / "voice.wav").write_bytes(b"somebody's voice")
    sounds.leftovers_remove(recording)
    assert not left.exists()
