"""What two processes do at the same moment, each on a connection of its own.

SQLite lets one writer in at a time. PostgreSQL does not: there these tests find what was taken for granted.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import tenancy
from meetings import jobs, selectors
from meetings.errors import LeaseLost
from meetings.models import Attendance, Job, JobState, Meeting, MeetingState
from meetings.selectors import Viewer
from meetings.services import attendance, deletion, outbox, sweeping
from meetings.services import meeting as meetings
from tests.conftest import People
from tests.meetings.at_once import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("in_ministry")]

Result = TypeVar("Result")
WORKERS = 4


def _at_once(people: People, *calls: Callable[[], Result]) -> list[Result]:
    """Runs each call in its own thread, within the ministry."""

    def scoped(call: Callable[[], Result]) -> Result:
        with tenancy.scope(people.ministry.id):
            return call()

    return at_once(*[partial(scoped, call) for call in calls])


def test_two_workers_on_one_job(people: People) -> None:
    for _ in range(10):
        job = jobs.enqueue("tests.work", uuid4())
        taken = _at_once(people, *[partial(outbox.lease_take, job.id)] * WORKERS)
        assert len([lease for lease in taken if lease is not None]) == 1
        job.refresh_from_db()
        assert (job.attempts, job.fence) == (1, 1)


def test_a_late_outcome_and_the_next_worker_meet(people: People) -> None:
    """Either the late worker finishes and nobody else begins, or the next has begun and it cannot."""
    for _ in range(10):
        job = jobs.enqueue("tests.work", uuid4())
        late = outbox.lease_take(job.id)
        assert late is not None
        Job.objects.filter(id=job.id).update(leased_until=timezone.now() - timedelta(seconds=1))

        def finish(lease: outbox.Lease = late) -> bool:
            try:
                with lease.outcome():
                    return True
            except LeaseLost:
                return False

        def take(job: Job = job) -> bool:
            return outbox.lease_take(job.id) is not None

        finished, begun = _at_once(people, finish, take)
        assert finished != begun
        job.refresh_from_db()
        assert job.state == (JobState.DONE if finished else JobState.RUNNING)


def test_work_enqueued_by_several_at_once_is_one_job(people: People) -> None:
    subject = uuid4()
    made = _at_once(people, *[lambda: jobs.enqueue("tests.work", subject).id] * WORKERS)
    assert len(set(made)) == 1


def test_a_stay_told_by_several_at_once_is_one_stay(people: People, meeting: Meeting) -> None:
    at = datetime.now(UTC)

    def joined() -> None:
        attendance.participant_joined(meeting=meeting, identity="user-1", name="Hélène", sid="PA_1", at=at)

    def left() -> None:
        attendance.participant_left(meeting=meeting, identity="user-1", name="Hélène", sid="PA_1", at=at)

    _at_once(people, joined, left, joined, left)
    assert Attendance.objects.filter(participant_sid="PA_1").count() == 1


def _while_somebody_comes_in(people: People, meeting: Meeting, meanwhile: Callable[[], object]) -> None:
    """*meanwhile* begins while a webhook tells that somebody joined, and has not yet committed."""
    told, begun = threading.Event(), threading.Event()

    def webhook() -> None:
        with transaction.atomic():
            Meeting.objects.select_for_update().get(id=meeting.id)
            attendance.participant_joined(
                meeting=meeting, identity="user-1", name="Hélène", sid="PA_2", at=datetime.now(UTC)
            )
            told.set()
            begun.wait(10)
            time.sleep(0.3)

    def other() -> None:
        told.wait(10)
        begun.set()
        meanwhile()

    calls: Sequence[Callable[[], None]] = (webhook, other)
    _at_once(people, *calls)


def test_the_sweeper_does_not_end_a_meeting_into_which_somebody_comes(
    people: People, meeting: Meeting
) -> None:
    meetings.room_opened(meeting=meeting)
    _while_somebody_comes_in(people, meeting, lambda: sweeping._meeting_without_room(meeting))
    meeting.refresh_from_db()
    assert meeting.state == MeetingState.LIVE
    assert Attendance.objects.get(participant_sid="PA_2").left_at is None


def test_a_meeting_is_deleted_although_somebody_comes_in(people: People, meeting: Meeting) -> None:
    by = selectors.standing(meeting, Viewer(user=people.host))
    _while_somebody_comes_in(people, meeting, lambda: deletion.meeting_delete(meeting=meeting, by=by))
    assert not Meeting.objects.filter(id=meeting.id).exists()
    assert not Attendance.objects.exists()
