"""Enqueues work by name: a row in the outbox, and a wake-up after commit."""

import logging
from uuid import UUID

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from meetings.models import Job

log = logging.getLogger("visio.jobs")

PROCESS_RECORDING = "meetings.process_recording"
TRANSCRIBE = "transcripts.transcribe"
REMOVE_FILES = "meetings.remove_files"


def enqueue(name: str, subject: UUID) -> Job:
    """Puts the work into the outbox, once per subject, within the caller's transaction."""
    job, _ = Job.objects.get_or_create(name=name, subject=subject)
    transaction.on_commit(lambda: wake(job))
    return job


def wake_later(job: Job, seconds: float) -> None:
    """Asks a worker to look at the job once so much time has passed, after the caller's transaction."""
    transaction.on_commit(lambda: wake(job, after=seconds))


def wake(job: Job, *, after: float = 0.0) -> None:
    """Asks a worker to look at the job, in so many seconds. One that is lost costs time only: the sweeper."""
    arguments = [str(job.id), str(job.ministry_id)]
    try:
        current_app.signature(job.name).apply_async(args=arguments, countdown=after or None)
    except OperationalError as error:
        log.warning("job %s was not announced, the sweeper will: %s", job.id, error)
