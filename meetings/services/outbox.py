"""Leases on outbox jobs: one worker at a time, outcomes fenced, nothing forgotten.

A lease lasts 30 s and is renewed by a heartbeat while its worker lives. Every lease raises the job's fence;
an outcome is written only together with the check that the fence is still one's own, in one transaction, so a
worker that was thought dead and comes back can finish nothing twice.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import tenancy
from meetings import jobs
from meetings.errors import LeaseLost
from meetings.models import Job, JobState

log = logging.getLogger("visio.outbox")

LEASE = timedelta(seconds=30)
HEARTBEAT_SECONDS = 8.0
MOST_ATTEMPTS = 5


@dataclass
class Lease:
    """The right to work on one job for now."""

    job_id: UUID
    subject: UUID
    fence: int
    attempts: int
    lost: threading.Event = field(default_factory=threading.Event)

    def progress(self, stage: str, fraction: float) -> None:
        """Tells how far the work is. Raises LeaseLost when somebody else has the job."""
        if not self._update(stage=stage, progress=fraction):
            self.lost.set()
        if self.lost.is_set():
            raise LeaseLost(f"job {self.job_id} has another worker")

    def renew(self) -> bool:
        return self._update(leased_until=timezone.now() + LEASE)

    @contextmanager
    def outcome(self) -> Iterator[None]:
        """A transaction that marks the job done together with what is written in the block."""
        with transaction.atomic():
            if not self._update(state=JobState.DONE, finished_at=timezone.now(), leased_until=None, error=""):
                raise LeaseLost(f"job {self.job_id} has another worker")
            yield

    def _update(self, **values: object) -> bool:
        mine = Job.objects.filter(id=self.job_id, fence=self.fence, state=JobState.RUNNING)
        return mine.update(**values) == 1


@dataclass(frozen=True)
class Work:
    """What a job's name stands for. Both callables run within the job's ministry.

    ``perform`` does the work and writes its result inside ``lease.outcome()``; ``give_up`` records on the
    subject that it failed for good, with a sentence for people.
    """

    perform: Callable[[Lease], None]
    give_up: Callable[[UUID, str], None]


def work_on(*, job_id: UUID, ministry_id: UUID, work: Work) -> None:
    """Takes a lease on the job, if it is free, and does it."""
    with tenancy.scope(ministry_id):
        lease = lease_take(job_id)
        if lease is None:
            return
        try:
            with _heartbeat(lease, ministry_id):
                work.perform(lease)
        except LeaseLost as lost:
            log.warning("%s", lost)
        except Exception as error:
            log.exception("job %s failed at attempt %s", job_id, lease.attempts)
            _failed(lease, work, f"{type(error).__name__}: {error}")


def lease_take(job_id: UUID) -> Lease | None:
    """The lease, or None when the job is done, not due, or another worker's."""
    now = timezone.now()
    free = Q(state=JobState.QUEUED, not_before__lte=now) | Q(state=JobState.RUNNING, leased_until__lt=now)
    with transaction.atomic():
        taken = Job.objects.filter(free, id=job_id).update(
            state=JobState.RUNNING,
            fence=F("fence") + 1,
            attempts=F("attempts") + 1,
            leased_until=now + LEASE,
            progress=0.0,
        )
        if not taken:
            return None
        job = Job.objects.get(id=job_id)
    return Lease(job_id=job.id, subject=job.subject, fence=job.fence, attempts=job.attempts)


def _failed(lease: Lease, work: Work, error: str) -> None:
    final = lease.attempts >= MOST_ATTEMPTS
    with transaction.atomic():
        written = lease._update(
            state=JobState.FAILED if final else JobState.QUEUED,
            not_before=timezone.now() + timedelta(seconds=2**lease.attempts),
            leased_until=None,
            error=error[:2000],
        )
        if written and final:
            work.give_up(lease.subject, error)


@contextmanager
def _heartbeat(lease: Lease, ministry_id: UUID) -> Iterator[None]:
    """Renews the lease from a thread of its own while the work goes on in this one."""
    done = threading.Event()

    def beat() -> None:
        with tenancy.scope(ministry_id):
            while not done.wait(HEARTBEAT_SECONDS):
                if not lease.renew():
                    lease.lost.set()
                    break
        connection.close()

    thread = threading.Thread(target=beat, name=f"lease-{lease.job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def sweep() -> int:
    """Wakes every job that is due and has no living worker. Returns how many."""
    now = timezone.now()
    with tenancy.across("the sweeper looks after the jobs of every ministry"):
        due = list(
            Job.objects.filter(
                Q(state=JobState.QUEUED, not_before__lte=now)
                | Q(state=JobState.RUNNING, leased_until__lt=now)
            )[:200]
        )
    for job in due:
        jobs.wake(job)
    return len(due)
