"""The Celery edge of transcripts."""

from uuid import UUID

from celery import shared_task

from meetings.jobs import TRANSCRIBE
from meetings.services.outbox import Work, work_on
from transcripts.services import transcription

_WORK = Work(perform=transcription.recording_transcribe, give_up=transcription.transcript_give_up)


@shared_task(name=TRANSCRIBE)
def transcribe(job_id: str, ministry_id: str) -> None:
    """From a recording's logs to a transcript that is found."""
    work_on(job_id=UUID(job_id), ministry_id=UUID(ministry_id), work=_WORK)
