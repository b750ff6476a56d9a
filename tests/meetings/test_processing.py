"""From record logs to playable files: one person's broken track does not cost the others theirs."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from meetings import jobs
from meetings.errors import LeaseLost
from meetings.models import Job, JobState, MediaFile, Meeting, Recording, RecordingState
from meetings.recording.log import RecordLogWriter, TrackHeader
from meetings.recording.replacing import replacing
from meetings.services import outbox, processing, storage
from meetings.views.meeting import RecordingView, recording_views
from tests.conftest import People
from tests.transcripts.builders import recording_of, tone, track_log

pytestmark = pytest.mark.usefixtures("in_ministry")


@pytest.fixture
def recording(people: People, meeting: Meeting) -> Recording:
    """Two seconds in which Hélène spoke."""
    made = recording_of(meeting, people.host, seconds=2.0)
    Recording.objects.update(state=RecordingState.PROCESSING)
    track_log(made, "user-1", "Hélène", tone(1.0), at=0.5)
    return made


def _log(recording: Recording, name: str, *, kind: str, mime: str, packets: int) -> Path:
    """A log of Ivan's whose packets are of the codec that *mime* names, or of none at all."""
    start = int(recording.started_at.timestamp() * 1e9)
    source = "camera" if kind == "video" else "microphone"
    header = TrackHeader("room", "user-2", "Ivan", "TR_2", kind, mime, 90_000, 1, source, start)
    path = storage.recording_folder(recording) / f"{name}.vlog"
    writer = RecordLogWriter(path, storage.key_unseal(recording), header)
    for number in range(packets):
        writer.rtp(b"\x80\x60" + number.to_bytes(2, "big") + bytes(8) + b"\x65" * 40, start + number)
        writer.flush()
    writer.close()
    return path


def _process(recording: Recording, *, attempts: int = 0) -> Job:
    job = jobs.enqueue(jobs.PROCESS_RECORDING, recording.id)
    Job.objects.filter(id=job.id).update(attempts=attempts)
    outbox.work_on(job_id=job.id, ministry_id=job.ministry_id, work=processing.WORK)
    job.refresh_from_db()
    recording.refresh_from_db()
    return job


def _made(recording: Recording) -> set[tuple[str, str]]:
    return {(file.name, file.content) for file in MediaFile.objects.filter(recording=recording)}


HELENE = {("Hélène", "person"), ("", "mix")}


def test_everybody_gets_a_file_and_all_together_another(recording: Recording) -> None:
    assert _process(recording).state == JobState.DONE
    assert (recording.state, recording.error) == (RecordingState.READY, "")
    assert _made(recording) == HELENE
    assert Job.objects.filter(name=jobs.TRANSCRIBE, subject=recording.id).exists()


def test_files_are_readable_by_their_owner_alone(recording: Recording) -> None:
    _process(recording)
    for path in storage.recording_folder(recording).rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_track_without_a_packet_fails_nobodys_recording(recording: Recording) -> None:
    """Somebody came in muted and never spoke."""
    _log(recording, "muted", kind="audio", mime="audio/opus", packets=0)
    _process(recording)
    assert (recording.state, recording.error) == (RecordingState.READY, "")
    assert _made(recording) == HELENE


def test_a_codec_that_webm_does_not_hold_is_left_out_and_said(recording: Recording) -> None:
    _log(recording, "camera", kind="video", mime="video/H264", packets=3)
    _process(recording)
    assert recording.state == RecordingState.READY
    assert recording.error == processing.SOMETHING_IS_MISSING
    assert _made(recording) == HELENE


def test_a_sound_that_is_not_opus_leaves_the_mix_of_the_others(recording: Recording) -> None:
    _log(recording, "microphone", kind="audio", mime="audio/PCMU", packets=3)
    _process(recording)
    assert recording.error == processing.SOMETHING_IS_MISSING
    assert _made(recording) == HELENE


def test_a_log_damaged_midway_leaves_the_files_of_the_others(recording: Recording) -> None:
    path = _log(recording, "damaged", kind="audio", mime="audio/opus", packets=3)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    _process(recording)
    assert recording.state == RecordingState.READY
    assert recording.error == processing.SOMETHING_IS_MISSING
    assert _made(recording) >= HELENE


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x00" * 4096])
def test_a_log_that_cannot_be_read_is_left_where_it_is_and_said(recording: Recording, content: bytes) -> None:
    path = storage.recording_folder(recording) / "TR_x.vlog"
    path.write_bytes(content)
    _process(recording)
    assert (recording.state, recording.error) == (RecordingState.READY, processing.SOMETHING_IS_MISSING)
    assert _made(recording) == HELENE
    assert path.exists()


def test_a_recording_in_which_nobody_was_on_says_so(people: People, meeting: Meeting) -> None:
    silent = recording_of(meeting, people.host)
    _process(silent)
    assert (silent.state, silent.error) == (RecordingState.READY, processing.NOBODY_WAS_ON)
    assert _made(silent) == set()


def test_a_file_that_cannot_be_written_is_tried_again_and_given_up_at_last(recording: Recording) -> None:
    track_log(recording, "user-" + "2" * 300, "Ivan", tone(1.0))  # too long for a file's name
    job = _process(recording)
    assert (job.state, job.stage) == (JobState.QUEUED, outbox.RETRYING)
    assert "File name too long" in job.error
    assert not list(storage.recording_folder(recording).glob("files-*"))
    Job.objects.update(not_before=recording.started_at)
    job = _process(recording, attempts=outbox.MOST_ATTEMPTS - 1)
    assert (job.state, recording.state) == (JobState.DONE, RecordingState.READY)
    assert recording.error == processing.SOMETHING_IS_MISSING
    assert _made(recording) >= HELENE


def test_a_failed_job_can_be_tried_again(recording: Recording) -> None:
    sealed = recording.sealed_key
    Recording.objects.update(sealed_key=b"x" * 60)
    job = _process(recording, attempts=outbox.MOST_ATTEMPTS - 1)
    assert (job.state, recording.state) == (JobState.FAILED, RecordingState.FAILED)
    Recording.objects.update(sealed_key=sealed)
    assert outbox.retry_failed() == 1
    assert _process(recording).state == JobState.DONE
    assert (recording.state, recording.error) == (RecordingState.READY, "")


def test_what_is_missing_is_said_in_the_readers_language(recording: Recording) -> None:
    _log(recording, "camera", kind="video", mime="video/H264", packets=3)
    _process(recording)
    view = RecordingView(recording=recording, job=None)
    with translation.override("fr"):
        assert view.remark.startswith("Une partie de ce qui a été enregistré")
    with translation.override("en"):
        assert view.remark == processing.SOMETHING_IS_MISSING


def test_a_meetings_page_asks_the_database_no_more_for_more_recordings(
    people: People, meeting: Meeting, recording: Recording, django_assert_max_num_queries: Any
) -> None:
    with CaptureQueriesContext(connection) as one:
        assert len([view.transcript for view in recording_views(meeting)]) == 1
    for _ in range(3):
        recording_of(meeting, people.host)
    with django_assert_max_num_queries(len(one)):
        assert len([view.transcript for view in recording_views(meeting)]) == 4


def test_the_end_of_a_recording_is_noticed_days_after_a_power_cut(recording: Recording) -> None:
    """There were two days of silence to encode and to listen to."""
    Recording.objects.update(stopped_at=recording.started_at + timedelta(days=2))
    recording.refresh_from_db()
    _process(recording)
    assert recording.duration is not None
    assert 1.4 < recording.duration < 17
    assert _made(recording) == HELENE


def test_a_clock_set_back_while_recording_cuts_nothing_off(recording: Recording) -> None:
    """By the rows it was stopped an hour before it began; half a second of it was left."""
    Recording.objects.update(stopped_at=recording.started_at - timedelta(hours=1))
    recording.refresh_from_db()
    _process(recording)
    assert recording.duration == pytest.approx(1.5, abs=0.05)
    assert all(file.duration == recording.duration for file in MediaFile.objects.all())


def test_a_killed_attempts_files_go_and_the_next_ones_stay(recording: Recording) -> None:
    left = storage.attempt_folder(recording, "files", 1)
    (left / ".mix.webm.0123.part").write_bytes(b"somebody's voice")
    half_removed = left.with_name(".removed-files-0")
    half_removed.mkdir()
    job = jobs.enqueue(jobs.PROCESS_RECORDING, recording.id)
    Job.objects.filter(id=job.id).update(fence=1)
    _process(recording)
    folders = [path.name for path in storage.recording_folder(recording).iterdir() if path.is_dir()]
    assert folders == ["files-2"]
    assert all(Path(settings.RECORDINGS_DIR, file.path).is_file() for file in MediaFile.objects.all())


def test_a_worker_that_was_thought_dead_cannot_replace_its_successors_files(recording: Recording) -> None:
    """It was stopped in the middle of writing, for longer than its lease, and goes on when all is done."""
    job = jobs.enqueue(jobs.PROCESS_RECORDING, recording.id)
    late = outbox.lease_take(job.id)
    assert late is not None
    folder = storage.attempt_folder(recording, "files", late.fence)
    Job.objects.filter(id=job.id).update(leased_until=timezone.now() - timedelta(seconds=1))
    writing = replacing(folder / "mix.webm")
    writing.__enter__().write_bytes(b"half of it")
    assert _process(recording).state == JobState.DONE
    with pytest.raises(FileNotFoundError):
        writing.__exit__(None, None, None)
    with pytest.raises(LeaseLost):
        late.progress("mixing", 1.0)
    made = {path.parent.name for path in storage.recording_folder(recording).rglob("*.webm")}
    assert made == {"files-2"}
    for file in MediaFile.objects.all():
        assert Path(settings.RECORDINGS_DIR, file.path).stat().st_size == file.bytes


def test_a_late_worker_leaves_the_folder_of_its_successor_alone(recording: Recording) -> None:
    successor = storage.attempt_folder(recording, "speech", 2)
    storage.attempt_folder(recording, "speech", 1)
    assert successor.exists()
