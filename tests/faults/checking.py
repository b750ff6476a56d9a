"""What must be true of every recording in the end, whatever was killed on the way."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from django.conf import settings

from accounts.models import User
from meetings.models import Job, JobState, MediaFile, Recording, RecordingState
from meetings.recording.log import read_log
from meetings.services import storage
from meetings.services.recording import logs_of
from tests.faults.eye import Eye
from transcripts.models import Revision, SpeakerTurn, Transcript
from transcripts.pipeline.recogniser_process import RecogniserProcess
from transcripts.pipeline.transcribe import transcribe_meeting
from transcripts.services import sounds
from transcripts.services.search import Answers
from transcripts.services.transcription import engine_settings

LOST_AT_MOST = 1.0
"""Seconds of a track before a kill that may be missing."""


@dataclass(frozen=True)
class Transcribed:
    """A transcript's turns: (speaker, text)."""

    turns: tuple[tuple[str, str], ...]
    passages: int = 0

    @property
    def words(self) -> int:
        return sum(len(text.split()) for _, text in self.turns)


def transcribed(recording: Recording, eye: Eye) -> Transcribed:
    """What is stored and found."""
    rows = SpeakerTurn.objects.filter(revision__transcript__recording=recording)
    return Transcribed(tuple((row.speaker, row.text) for row in rows), eye.passages(recording.id))


def undisturbed(recording: Recording) -> Transcribed:
    """What the same record logs give in one go, by the same steps, in this process."""
    with (
        tempfile.TemporaryDirectory() as folder,
        RecogniserProcess("pocketsphinx", engine_settings()) as engine,
    ):
        voices = sounds.voices_decode(recording=recording, folder=Path(folder), progress=lambda done: None)
        turns = transcribe_meeting(voices.tracks, "en", engine.transcribe, lambda done: None)
    return Transcribed(tuple((turn.speaker, turn.text) for turn in turns))


def problems(recording: Recording, eye: Eye, *, expected: Transcribed, host: User) -> list[str]:
    """Everything that is wrong, as sentences; nothing where all is well. Raises nothing."""
    recording.refresh_from_db()
    found = [*_rows(recording), *files(recording), *_strays(recording)]
    found += _words(transcribed(recording, eye), expected)
    found += _search(recording, expected, host)
    return found


def _rows(recording: Recording) -> list[str]:
    found = []
    if recording.state != RecordingState.READY or recording.error:
        found.append(f"the recording is {recording.state}: {recording.error}")
    transcripts = list(Transcript.objects.filter(recording=recording))
    if [transcript.state for transcript in transcripts] != ["ready"]:
        found.append(f"transcripts: {[(row.state, row.reason) for row in transcripts]}")
    revisions = Revision.objects.filter(transcript__recording=recording).count()
    if revisions != 1:
        found.append(f"{revisions} revisions of the transcript")
    jobs = [(job.name, job.state, job.error) for job in Job.objects.filter(subject=recording.id)]
    if sorted(state for _, state, _ in jobs) != [JobState.DONE, JobState.DONE]:
        found.append(f"jobs: {jobs}")
    return found


def _words(stored: Transcribed, expected: Transcribed) -> list[str]:
    found = []
    if stored.turns != expected.turns:
        found.append(f"the transcript says {stored.turns} and not {expected.turns}")
    if expected.passages and stored.passages != expected.passages:
        found.append(f"{stored.passages} passages in the index and not {expected.passages}")
    return found


def _search(recording: Recording, expected: Transcribed, host: User) -> list[str]:
    """Every turn is found once by its longest word that no other turn has, short ones (“the”) left aside."""
    found = []
    for number, (speaker, text) in enumerate(expected.turns):
        others = {
            word for at, (_, other) in enumerate(expected.turns) if at != number for word in other.split()
        }
        own = [word for word in text.split() if word not in others and text.split().count(word) == 1]
        if max(map(len, own), default=0) < 5:
            continue
        word = max(own, key=len)
        answers = Answers(user=host, text=word)
        hits = [hit for hit in answers[:1000] if hit.recording_id == recording.id]
        if [hit.speaker for hit in hits] != [speaker]:
            found.append(f"“{word}” is found {len(hits)} times, by {[hit.speaker for hit in hits]}")
    return found


def files(recording: Recording) -> list[str]:
    """What is wrong with the playable files: one is missing, or does not play to its end."""
    found = []
    rows = list(MediaFile.objects.filter(recording=recording))
    people = {
        read_log(path, storage.key_unseal(recording)).header.participant_identity
        for path in logs_of(recording)
    }
    if {file.identity for file in rows} != {*people, ""}:
        found.append(f"files of {[file.identity for file in rows]} and not of {people} and all together")
    for file in rows:
        path = Path(settings.RECORDINGS_DIR, file.path)
        seconds = sum(len(block) for block in decoded(path)) / 48_000
        if abs(seconds - file.duration) > 0.2 or file.bytes != path.stat().st_size:
            found.append(f"{file.path} plays {seconds:.2f} s of {file.duration:.2f} s")
    return found


def decoded(path: Path) -> list[np.ndarray]:
    """All sound of a file, mono, 48 kHz."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=48_000)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return [frame.to_ndarray()[0] for frame in frames]


def _strays(recording: Recording) -> list[str]:
    """Files that belong to nothing: parts, unencrypted sound, folders of dead attempts."""
    folder = storage.recording_folder(recording)
    known = {
        Path(settings.RECORDINGS_DIR, file.path) for file in MediaFile.objects.filter(recording=recording)
    }
    known |= {path.parent for path in known} | set(logs_of(recording))
    strays = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path not in known)
    return [f"left behind: {strays}"] if strays else []


def cut_short(recording: Recording, logs: Sequence[Path], killed_at: float) -> list[str]:
    """Logs that were being written at Unix time `killed_at` and lack more than the last second before it.

    Looks into the playable file too: its sound goes on up to there.
    """
    found = []
    for path in logs:
        log = read_log(path, storage.key_unseal(recording))
        missing = killed_at - log.ended_wall_ns / 1e9
        if missing > LOST_AT_MOST:
            found.append(f"{path.name} lacks the last {missing:.2f} s before the kill")
        file = MediaFile.objects.get(recording=recording, identity=log.header.participant_identity)
        sound = np.concatenate(decoded(Path(settings.RECORDINGS_DIR, file.path)))
        end = killed_at - recording.started_at.timestamp() - LOST_AT_MOST
        last = sound[max(0, round((end - 1.0) * 48_000)) : max(0, round(end * 48_000))]
        if end > 2 and float(np.abs(last).max(initial=0.0)) < 0.01:
            found.append(f"{file.path} is silent before the last second before the kill")
    return found
