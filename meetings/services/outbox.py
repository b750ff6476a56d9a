"""Leases on outbox jobs: one worker at a time, outcomes fenced, nothing forgotten.

A lease lasts 30 s and is renewed by a heartbeat while its worker lives; a worker of this machine that is
known to be dead loses its leases at once. Every lease raises the job's fence; an outcome is written only
together with the check that the fence is still one's own, in one transaction, so a worker that was thought
dead and comes back can finish nothing twice.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import Error as DatabaseFault
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import tenancy
from meetings import jobs
from meetings.errors import Interrupted, JobStopped, LeaseLost
from meetings.models import Job, JobState
from meetings.services import passing, workers

log = logging.getLogger("visio.outbox")

LEASE = timedelta(seconds=30)
HEARTBEAT_SECONDS = 8.0
MOST_ATTEMPTS = 5
# Between attempts while the disk is full or the database away.
POSTPONED = timedelta(seconds=10)
RETRYING = "retrying"
"""The stage of a job that failed and waits for its next attempt."""
# No lease and no wait reaches so far: such a time was written before the machine's clock was set back.
UNBELIEVABLE = timedelta(minutes=5)
# Woken by one sweep: a worker that is busy for an hour must not find an hour of the same wake-ups.
SWEPT_AT_ONCE = 20

_ending = threading.Event()


@dataclass
class Lease:
    """The right to work on one job for now."""

    job_id: UUID
    subject: UUID
    fence: int
    attempts: int
    lost: threading.Event = field(default_factory=threading.Event)

    @property
    def last_attempt(self) -> bool:
        """Whether the job fails for good if it fails now."""
        return self.attempts >= MOST_ATTEMPTS

    def progress(self, stage: str, fraction: float) -> None:
        """Tells how far the work is. Raises LeaseLost when somebody else has the job, or Interrupted."""
        if not self._update(stage=stage, progress=fraction):
            self.lost.set()
        if self.lost.is_set():
            raise LeaseLost(f"job {self.job_id} is not this worker's any more")
        if _ending.is_set():
            raise Interrupted(f"job {self.job_id} waits for the next start")

    def renew(self) -> bool:
        """Keeps the job for another while; False where it is not this worker's any more."""
        return self._update(leased_until=timezone.now() + LEASE)

    @contextmanager
    def outcome(self) -> Iterator[None]:
        """A transaction that marks the job done together with what is written in the block."""
        with transaction.atomic():
            if not self._update(state=JobState.DONE, finished_at=timezone.now(), leased_until=None, error=""):
                raise LeaseLost(f"job {self.job_id} is not this worker's any more")
            yield

    def give_back(self) -> None:
        """The job can be taken at once by another worker; this attempt does not count."""
        self._update(state=JobState.QUEUED, leased_until=None, attempts=self.attempts - 1)

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
        if lease.attempts > MOST_ATTEMPTS:  # nobody was left to say that the last attempt failed
            _failed(lease, work, "The program ended each time while it worked on this.")
            return
        try:
            with _heartbeat(lease, ministry_id):
                work.perform(lease)
        except Interrupted:
            lease.give_back()
        except JobStopped as stopped:
            log.warning("%s", stopped)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            _connection_renew()
            if passing.passes(error):
                log.error("job %s waits until it can be done: %s", job_id, what)
                _postponed(lease, what)
                return
            log.exception("job %s failed at attempt %s", job_id, lease.attempts)
            _failed(lease, work, what)


def lease_take(job_id: UUID) -> Lease | None:
    """The lease, or None when the job is done, not due, or another worker's."""
    now, worker = timezone.now(), workers.own_name()
    with transaction.atomic():
        taken = Job.objects.filter(_free(now), id=job_id).update(
            state=JobState.RUNNING,
            fence=F("fence") + 1,
            attempts=F("attempts") + 1,
            leased_until=now + LEASE,
            worker=worker,
            progress=0.0,
        )
        if not taken:
            return None
        job = Job.objects.get(id=job_id)
    return Lease(job_id=job.id, subject=job.subject, fence=job.fence, attempts=job.attempts)


def _free(now: datetime) -> Q:
    """Jobs that are due and that nobody has."""
    waited = Q(not_before__lte=now) | Q(not_before__gt=now + UNBELIEVABLE)
    expired = Q(leased_until__lte=now) | Q(leased_until__gt=now + UNBELIEVABLE)
    return Q(waited, state=JobState.QUEUED) | Q(expired, state=JobState.RUNNING)


def _postponed(lease: Lease, error: str) -> None:
    """The machine's trouble is not the job's: the attempt does not count, however long it lasts."""
    with transaction.atomic():
        written = lease._update(
            state=JobState.QUEUED,
            attempts=lease.attempts - 1,
            not_before=timezone.now() + POSTPONED,
            leased_until=None,
            stage=RETRYING,
            progress=0.0,
            error=error[:2000],
        )
        if written:
            jobs.wake_later(Job.objects.get(id=lease.job_id), POSTPONED.total_seconds())


def _failed(lease: Lease, work: Work, error: str) -> None:
    final = lease.last_attempt
    wait = 2**lease.attempts
    with transaction.atomic():
        written = lease._update(
            state=JobState.FAILED if final else JobState.QUEUED,
            not_before=timezone.now() + timedelta(seconds=wait),
            leased_until=None,
            stage="" if final else RETRYING,
            progress=0.0,
            error=error[:2000],
        )
        if written and final:
            work.give_up(lease.subject, error)
        elif written:
            jobs.wake_later(Job.objects.get(id=lease.job_id), wait)


@contextmanager
def _heartbeat(lease: Lease, ministry_id: UUID) -> Iterator[None]:
    """Renews the lease from a thread of its own while the work goes on in this one."""
    done = threading.Event()

    def beat() -> None:
        try:
            with tenancy.scope(ministry_id):
                while not done.wait(HEARTBEAT_SECONDS) and _renewed(lease):
                    pass
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"lease-{lease.job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _renewed(lease: Lease) -> bool:
    """Whether to go on beating. A database that does not answer now may at the next beat."""
    try:
        if not lease.renew():
            lease.lost.set()
    except DatabaseFault as error:
        log.warning("the lease of job %s was not renewed: %s", lease.job_id, error)
        _connection_renew()
    return not lease.lost.is_set()


def _connection_renew() -> None:
    """Lets go of a connection that died with the database, which may be there again by now."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def interrupt() -> None:
    """The process is about to end: every job that is being worked on is given back soon."""
    _ending.set()


def retry_failed() -> int:
    """Queues every job anew that had failed for good. Returns how many."""
    with tenancy.across("an operator has removed what made jobs fail, in whatever ministry"):
        failed = list(Job.objects.filter(state=JobState.FAILED))
        fresh = Job.objects.filter(id__in=[job.id for job in failed], state=JobState.FAILED)
        count = fresh.update(state=JobState.QUEUED, attempts=0, not_before=timezone.now(), finished_at=None)
    for job in failed:
        jobs.wake(job)
    return count


def sweep() -> int:
    """Wakes every job that is due and has no living worker. Returns how many."""
    with tenancy.across("the sweeper looks after the jobs of every ministry"):
        _leases_of_ended_workers_end()
        due = list(Job.objects.filter(_free(timezone.now())).order_by("not_before")[:SWEPT_AT_ONCE])
    for job in due:
        jobs.wake(job)
    return len(due)


def _leases_of_ended_workers_end() -> None:
    """Their jobs go on within seconds of a restart, not when the lease has run out."""
    for name in workers.ended():
        Job.objects.filter(state=JobState.RUNNING, worker=name).update(leased_until=timezone.now())
        workers.forget(name)
