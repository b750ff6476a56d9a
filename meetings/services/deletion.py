"""Deleting a meeting: its rows in one transaction, then its room and its files, however often that takes."""

import logging
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import tenancy
from meetings import events, jobs, media, policies
from meetings.errors import NotAllowed
from meetings.models import Job, Meeting
from meetings.policies import Standing
from meetings.services import storage
from meetings.services.outbox import Lease, Work

log = logging.getLogger("visio.deletion")


def meeting_delete(*, meeting: Meeting, by: Standing) -> None:
    """Deletes the meeting with its recordings, transcripts, chat and files, and ends its room.

    Work on its recordings ends with the rows of its jobs. Files go at once; a job makes sure of them.
    """
    if not policies.may_delete(by):
        raise NotAllowed(_("Only the host can delete a meeting."))
    meeting_id, ministry_id = meeting.id, meeting.ministry_id
    with transaction.atomic():
        _hold(meeting)
        events.meeting_deleted(room=meeting.room)
        Job.objects.filter(subject__in=meeting.recordings.values("id")).delete()
        jobs.enqueue(jobs.REMOVE_FILES, meeting_id)
        meeting.delete()
    try:
        storage.folder_remove(storage.meeting_folder(ministry_id, meeting_id))
    except OSError as error:
        log.warning("files of deleted meeting %s are left for now: %s", meeting_id, error)


def _hold(meeting: Meeting) -> None:
    """Whoever would still add something to the meeting waits for its end, and then finds it gone.

    Otherwise what is added between finding all that belongs to it and removing it would forbid its removal.
    """
    Meeting.objects.select_for_update().filter(id=meeting.id).first()
    list(meeting.recordings.select_for_update())


def _perform(lease: Lease) -> None:
    """Raises MediaServerDown or OSError while the room is still held or files are left."""
    media.room_end(room=str(lease.subject))
    storage.folder_remove(storage.meeting_folder(tenancy.current_ministry_id(), lease.subject))
    with lease.outcome():
        log.info("nothing is left of meeting %s", lease.subject)


def _give_up(meeting_id: UUID, error: str) -> None:
    log.error("FILES ARE LEFT of deleted meeting %s: %s", meeting_id, error)


WORK = Work(perform=_perform, give_up=_give_up)
