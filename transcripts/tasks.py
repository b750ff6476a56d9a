"""The Celery edge of transcripts."""

import threading
from uuid import UUID

from celery import shared_task

from meetings.jobs import TRANSCRIBE
from meetings.services.outbox import Work, work_on
from transcripts.services import transcription

_WORK = Work(perform=transcription.recording_transcribe, give_up=transcription.transcript_give_up)


# It takes about as long as the meeting did: the process's other threads stay free for everything else.
_one_at_a_time = threading.Lock()


@shared_task(name=TRANSCRIBE)
def transcribe(job_id: str, ministry_id: str) -> None:
    """From record logs to a transcript that is found; while another is made, the sweeper asks again."""
    if not _one_at_a_time.acquire(blocking=False):
        return
    try:
        work_on(job_id=UUID(job_id), ministry_id=UUID(ministry_id), work=_WORK)
    finally:
        _one_at_a_time.release()
