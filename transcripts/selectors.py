"""Reads of transcripts."""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from accounts import tenancy
from accounts.models import User
from meetings import selectors as meetings
from meetings.models import LIVE_STATES, JobState, Meeting, Recording, RecordingState
from transcripts.models import Revision, SpeakerTurn, Transcript, TranscriptState

COLOURS = 8
"""Speakers' colours in the style sheet, numbered from 0."""


@dataclass(frozen=True)
class Progress:
    """How far the work on a recording is: the running job's stage, and how much of it in per cent."""

    stage: str = ""
    percent: int | None = None


@dataclass(frozen=True)
class Standing:
    """Where a meeting's newest recording is on its way to a transcript.

    ``state`` is a TranscriptState, or “none”, “recording” or “processing” while there is no transcript yet.
    """

    state: str
    reason: str = ""
    transcript: Transcript | None = None


def transcript_of(recording: Recording) -> Transcript | None:
    """The recording's transcript, in whatever state; None before the work on it has begun."""
    return Transcript.objects.filter(recording=recording).first()


def newest_revision(transcript: Transcript) -> Revision | None:
    """The version that is shown and found."""
    return transcript.revisions.order_by("-number").first()


def turns_of(transcript: Transcript) -> list[SpeakerTurn]:
    """The newest revision's turns in order, each with its speaker's ``colour``.

    Colours go round in the order in which people first speak, so up to eight people are told apart.
    """
    revision = newest_revision(transcript)
    turns = list(revision.turns.all()) if revision else []
    colours: dict[str, int] = {}
    for turn in turns:
        turn.colour = colours.setdefault(turn.identity, len(colours) % COLOURS)
    return turns


def progress_of(recording: Recording) -> Progress:
    """What is being done with the recording now; nothing where no job runs."""
    unfinished = [JobState.QUEUED, JobState.RUNNING]
    job = meetings.jobs_about([recording.id]).filter(state__in=unfinished).first()
    return Progress(job.stage, round(job.progress * 100)) if job else Progress()


def standing_of(meeting: Meeting) -> Standing:
    """How far the meeting's newest recording is."""
    recording = meeting.recordings.first()
    if recording is None:
        return Standing("none")
    transcript = transcript_of(recording)
    if transcript is not None:
        return Standing(transcript.state, transcript.reason, transcript)
    return Standing(_before_transcript(RecordingState(recording.state)), recording.error)


def _before_transcript(state: RecordingState) -> str:
    if state in LIVE_STATES:
        return "recording"
    if state == RecordingState.FAILED:
        return TranscriptState.FAILED
    return "processing" if state == RecordingState.PROCESSING else TranscriptState.WAITING


def searchable_recordings(user: User) -> dict[UUID, list[UUID]]:
    """Keys of the recordings whose content the person may see, by the key of their ministry."""
    with tenancy.across("a person's invitations may come from several ministries"):
        readable = Recording.objects.filter(id__in=meetings.readable_recordings(user))
        grouped: dict[UUID, list[UUID]] = defaultdict(list)
        for key, ministry in readable.values_list("id", "ministry_id"):
            grouped[ministry].append(key)
    return dict(grouped)
