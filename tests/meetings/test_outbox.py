"""Jobs: one worker at a time, outcomes fenced, nothing forgotten."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import override_settings
from django.utils import timezone

from accounts import tenancy
from meetings import jobs
from meetings.errors import LeaseLost
from meetings.models import Job, JobState
from meetings.services import outbox, workers
from meetings.services.outbox import Lease, Work
from tests.conftest import People

pytestmark = pytest.mark.usefixtures("in_ministry")


@pytest.fixture
def job(people: People) -> Job:
    return jobs.enqueue("tests.work", uuid4())


def _expire(job: Job) -> None:
    Job.objects.filter(id=job.id).update(leased_until=timezone.now() - timedelta(seconds=1))


def _nothing(subject: UUID, error: str) -> None:
    raise AssertionError(f"given up: {error}")


def test_work_is_enqueued_once_per_subject(job: Job) -> None:
    assert jobs.enqueue(job.name, job.subject).id == job.id
    assert Job.objects.count() == 1


def test_only_one_worker_gets_the_lease(job: Job) -> None:
    assert outbox.lease_take(job.id) is not None
    assert outbox.lease_take(job.id) is None


def test_an_expired_lease_goes_to_the_next_worker_with_a_higher_fence(job: Job) -> None:
    first = outbox.lease_take(job.id)
    _expire(job)
    second = outbox.lease_take(job.id)
    assert first is not None
    assert second is not None
    assert second.fence > first.fence


def test_the_outcome_of_a_worker_that_lost_its_lease_is_not_written(job: Job) -> None:
    slow = outbox.lease_take(job.id)
    _expire(job)
    quick = outbox.lease_take(job.id)
    assert slow is not None
    assert quick is not None
    with quick.outcome():
        pass
    with pytest.raises(LeaseLost), slow.outcome():
        raise AssertionError("the late worker wrote its outcome")
    job.refresh_from_db()
    assert job.state == JobState.DONE


def test_progress_tells_a_worker_that_it_lost_its_lease(job: Job) -> None:
    lease = outbox.lease_take(job.id)
    assert lease is not None
    lease.progress("mixing", 0.5)
    job.refresh_from_db()
    assert (job.stage, job.progress) == ("mixing", 0.5)
    _expire(job)
    outbox.lease_take(job.id)
    with pytest.raises(LeaseLost):
        lease.progress("mixing", 0.6)


def test_a_finished_job_is_not_done_again(job: Job, people: People) -> None:
    done: list[UUID] = []

    def perform(lease: Lease) -> None:
        with lease.outcome():
            done.append(lease.subject)

    for _ in range(2):
        outbox.work_on(job_id=job.id, ministry_id=people.ministry.id, work=Work(perform, _nothing))
    assert done == [job.subject]


def test_failing_work_is_tried_again_later_and_given_up_in_the_end(job: Job, people: People) -> None:
    given_up: list[tuple[UUID, str]] = []

    def perform(lease: Lease) -> None:
        raise OSError("disk full")

    work = Work(perform, lambda subject, error: given_up.append((subject, error)))
    for attempt in range(1, outbox.MOST_ATTEMPTS + 1):
        Job.objects.filter(id=job.id).update(not_before=timezone.now())
        outbox.work_on(job_id=job.id, ministry_id=people.ministry.id, work=work)
        job.refresh_from_db()
        assert job.attempts == attempt
        assert bool(given_up) is (attempt == outbox.MOST_ATTEMPTS)
    assert job.state == JobState.FAILED
    assert given_up == [(job.subject, "OSError: disk full")]


def test_a_job_waiting_for_its_next_attempt_is_left_alone(job: Job) -> None:
    Job.objects.filter(id=job.id).update(not_before=timezone.now() + timedelta(minutes=1))
    assert outbox.lease_take(job.id) is None


def test_the_sweeper_wakes_what_is_due_in_every_ministry(job: Job, people: People) -> None:
    with tenancy.scope(people.other_ministry.id):
        abandoned = jobs.enqueue("tests.work", uuid4())
        outbox.lease_take(abandoned.id)
        _expire(abandoned)
    running = jobs.enqueue("tests.work", uuid4())
    outbox.lease_take(running.id)
    assert outbox.sweep() == 2


def test_a_job_that_ends_the_program_each_time_is_given_up(job: Job, people: People) -> None:
    """Nobody was left to count the failures: the next one to take it does."""
    given_up: list[str] = []

    def perform(lease: Lease) -> None:
        raise AssertionError("the poisonous job was tried once more")

    for _ in range(outbox.MOST_ATTEMPTS):
        assert outbox.lease_take(job.id) is not None
        _expire(job)
    work = Work(perform=perform, give_up=lambda subject, error: given_up.append(error))
    outbox.work_on(job_id=job.id, ministry_id=people.ministry.id, work=work)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert len(given_up) == 1


def test_an_ending_process_gives_its_job_back(
    job: Job, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_ending", threading.Event())

    def perform(lease: Lease) -> None:
        lease.progress("working", 0.1)
        outbox.interrupt()
        lease.progress("working", 0.2)
        raise AssertionError("the work went on")

    outbox.work_on(job_id=job.id, ministry_id=people.ministry.id, work=Work(perform, _nothing))
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)
    assert outbox.lease_take(job.id) is not None


def test_failed_jobs_of_every_ministry_are_queued_anew(job: Job, people: People) -> None:
    with tenancy.scope(people.other_ministry.id):
        other = jobs.enqueue("tests.work", uuid4())
        Job.objects.update(state=JobState.FAILED, attempts=outbox.MOST_ATTEMPTS)
    assert outbox.retry_failed() == 1
    assert outbox.retry_failed() == 0
    with tenancy.scope(people.other_ministry.id):
        assert outbox.lease_take(other.id) is not None


def test_one_sweep_wakes_a_bounded_number(people: People) -> None:
    for _ in range(outbox.SWEPT_AT_ONCE + 5):
        jobs.enqueue("tests.work", uuid4())
    assert outbox.sweep() == outbox.SWEPT_AT_ONCE


def test_a_lease_from_before_the_clock_was_set_back_is_over(job: Job) -> None:
    """By the clock it lasts another hour; its worker, alive, would have renewed it by now."""
    assert outbox.lease_take(job.id) is not None
    Job.objects.update(leased_until=timezone.now() + timedelta(hours=1))
    assert outbox.sweep() == 1
    assert outbox.lease_take(job.id) is not None


def test_a_job_that_waits_for_a_clock_set_back_is_due(job: Job) -> None:
    Job.objects.update(not_before=timezone.now() + timedelta(hours=1))
    assert outbox.lease_take(job.id) is not None


def test_a_clock_set_forward_makes_no_second_outcome(job: Job) -> None:
    """Every lease seems over at once: the work is done twice, and written once."""
    first = outbox.lease_take(job.id)
    Job.objects.update(leased_until=timezone.now() - timedelta(hours=1))
    second = outbox.lease_take(job.id)
    assert first is not None
    assert second is not None
    with second.outcome():
        pass
    assert not first.renew()
    with pytest.raises(LeaseLost), first.outcome():
        raise AssertionError("the first worker wrote its outcome too")


def _taken_by_another_process(job: Job) -> subprocess.Popen[str]:
    """A living process that is named as the job's worker, as if it had taken the lease."""
    program = (
        "import sys, django; django.setup(); from meetings.services import workers;"
        "print(workers.own_name(), flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "visio_portal.settings"}
    other = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    Job.objects.filter(id=job.id).update(worker=other.stdout.readline().strip())
    return other


def test_a_killed_workers_lease_is_over_at_once_and_a_living_or_stopped_ones_is_not(job: Job) -> None:
    assert outbox.lease_take(job.id) is not None
    with _taken_by_another_process(job) as other:
        assert outbox.sweep() == 0
        other.send_signal(signal.SIGSTOP)
        assert outbox.sweep() == 0
        other.kill()
        other.wait()
        assert outbox.sweep() == 1
        assert outbox.lease_take(job.id) is not None
        assert outbox.sweep() == 0
        assert workers.own_name() in {path.name for path in Path(settings.WORKERS_DIR).iterdir()}
        assert list(workers.ended()) == []


def test_a_worker_of_another_machine_is_not_judged(job: Job) -> None:
    assert outbox.lease_take(job.id) is not None
    foreign = Path(settings.WORKERS_DIR) / "elsewhere-17-abc"
    foreign.touch()
    Job.objects.update(worker=foreign.name)
    assert outbox.sweep() == 0
    foreign.unlink()


def test_a_worker_that_cannot_show_that_it_lives_works_all_the_same(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full, or the folder is somebody else's."""
    (tmp_path / "in the way").touch()
    monkeypatch.setattr(workers, "_own", {})
    with override_settings(WORKERS_DIR=tmp_path / "in the way"):
        assert outbox.lease_take(job.id) is not None
    job.refresh_from_db()
    assert job.worker == ""


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OperationalError("disk is full")])
def test_a_full_disk_uses_up_no_attempt(job: Job, people: People, error: Exception) -> None:
    """After half a minute of it a recording was given up for good."""
    full = True

    def perform(lease: Lease) -> None:
        if full:
            raise error
        with lease.outcome():
            pass

    work = Work(perform, _nothing)
    for _ in range(outbox.MOST_ATTEMPTS + 1):
        Job.objects.update(not_before=timezone.now())
        outbox.work_on(job_id=job.id, ministry_id=people.ministry.id, work=work)
        job.refresh_from_db()
        assert (job.state, job.attempts, job.stage) == (JobState.QUEUED, 0, outbox.RETRYING)
        assert str(error) in job.error
    full = False
    Job.objects.update(not_before=timezone.now())
    outbox.work_on(job_id=job.id, ministry_id=people.ministry.id, work=work)
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.DONE, "")
