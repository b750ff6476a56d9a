"""Celery edge of meetings: wakes up, takes the lease, calls one service."""

import logging
from uuid import UUID

from celery import shared_task
from django.core.management import call_command
from django.db import InterfaceError, OperationalError

from meetings import jobs
from meetings.services import deletion, outbox, processing, sweeping

log = logging.getLogger("visio.jobs")


@shared_task(name=jobs.PROCESS_RECORDING)
def process_recording(job_id: str, ministry_id: str) -> None:
    outbox.work_on(job_id=UUID(job_id), ministry_id=UUID(ministry_id), work=processing.WORK)


@shared_task(name=jobs.REMOVE_FILES)
def remove_files(job_id: str, ministry_id: str) -> None:
    outbox.work_on(job_id=UUID(job_id), ministry_id=UUID(ministry_id), work=deletion.WORK)


@shared_task(name="meetings.sweep_jobs")
def sweep_jobs() -> None:
    try:
        sweeping.sweep()
        outbox.sweep()
    except (OperationalError, InterfaceError) as error:  # the next sweep is due in seconds
        log.warning("the database does not answer: %s", error)


@shared_task(name="meetings.tidy")
def tidy() -> None:
    """Rows that nobody needs any more: old receipts, guests' and people's ended sessions."""
    sweeping.receipts_forget()
    call_command("clearsessions")
