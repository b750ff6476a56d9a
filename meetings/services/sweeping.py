"""What is looked after every few seconds: rows that wait for a word that never came."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import tenancy
from meetings import media
from meetings.errors import MediaServerDown
from meetings.models import (
    LIVE_STATES,
    Meeting,
    MeetingState,
    Recording,
    RecordingState,
    TrackState,
    WebhookReceipt,
)
from meetings.services import attendance, placing, recording
from meetings.services import meeting as meetings

log = logging.getLogger("visio.sweeping")

# How long the last word of a track or a room may take.
PATIENCE = timedelta(seconds=15)
# Within this a log is closed whose room is gone: the media server writes twice a second.
LAST_WORDS = timedelta(seconds=5)
# ... and how long a media server that does not answer is waited for, since it may still record.
UNREACHABLE_PATIENCE = timedelta(minutes=10)
# A media server repeats what was not taken within seconds.
RECEIPTS_KEPT = timedelta(days=1)


def sweep() -> None:
    """Ends recordings and meetings whose room is gone; goes on where the end of a track was never told."""
    if settings.MEDIA_REGISTERED:
        placing.look_after_relays()
    with tenancy.across("the sweeper looks after the recordings and meetings of every ministry"):
        recordings = list(Recording.objects.select_related("meeting").filter(state__in=LIVE_STATES))
        live = list(Meeting.objects.filter(state=MeetingState.LIVE))
    held = _held([*live, *(row.meeting for row in recordings)])
    for row in recordings:
        with tenancy.scope(row.ministry_id):
            _recording(row, held)
    for meeting in live:
        if meeting.room not in held:
            with tenancy.scope(meeting.ministry_id):
                _meeting_without_room(meeting)


def _held(looked_after: Sequence[Meeting]) -> dict[str, bool]:
    """The rooms that are open and whether they are recorded, or that may be as far as is known."""
    rooms = {meeting.room for meeting in looked_after}
    try:
        servers = media.holders(rooms)
    except MediaServerDown:
        return dict.fromkeys(rooms, True)
    held: dict[str, bool] = {}
    for address, its in servers.items():
        try:
            held |= media.rooms_open(its, at=address)
        except MediaServerDown:
            held |= dict.fromkeys(its, True)
    return held


def _recording(row: Recording, held: dict[str, bool]) -> None:
    if row.state == RecordingState.RUNNING:
        _running(row, held)
    elif row.meeting.room not in held and recording.logs_rest(row, LAST_WORDS):
        with transaction.atomic():
            recording.go_on(row)
    elif row.stopped_at is not None and _is_past(row.stopped_at, PATIENCE):
        if not _has_heard_the_stop(row.meeting) and not _is_past(row.stopped_at, UNREACHABLE_PATIENCE):
            return
        with transaction.atomic():
            recording.go_on(row)


def _running(row: Recording, held: dict[str, bool]) -> None:
    """Ends it where nothing was recorded for a while of a media server being there.

    Its room is gone and nobody came back; or tracks that are thought to be written are not, and telling the
    media server again did not help: its disk is full. Where nobody is on, nothing needs to be recorded.
    """
    gone = row.meeting.room not in held
    recorded = held.get(row.meeting.room, False)
    if recorded or row.missed_since is None:
        recording.missed(row, since=None if recorded else timezone.now())
        if not recorded and not gone and _is_past(row.started_at, PATIENCE):
            recording.record_again(row)
        return
    overdue = _is_past(row.started_at, PATIENCE) and _is_past(row.missed_since, PATIENCE)
    if overdue and (gone or row.tracks.filter(state=TrackState.WRITING).exists()):
        recording.begin_stopping(row)


def _is_past(moment: datetime, patience: timedelta) -> bool:
    """Whether so much time has passed, or the clock was set back so far: nothing waits for it to catch up."""
    return abs(timezone.now() - moment) > patience


def _has_heard_the_stop(meeting: Meeting) -> bool:
    """Stops again: a media server that did not hear it the first time must not go on recording."""
    try:
        if media.room_is_open(room=meeting.room):
            media.recording_end(room=meeting.room)
    except MediaServerDown as error:
        log.warning("the recording of room %s may still run: %s", meeting.room, error)
        return False
    return True


def _meeting_without_room(meeting: Meeting) -> None:
    """Its end was never told. Where somebody has just come in, the room may be younger than the list."""
    with transaction.atomic():
        # As it is now, and locked as by webhooks: somebody's coming in is told before this or after it.
        current = Meeting.objects.select_for_update().filter(id=meeting.id).first()
        if current and not current.attendance.filter(joined_at__gt=timezone.now() - PATIENCE).exists():
            meetings.room_closed(meeting=current)
            attendance.everybody_left(meeting=current)


def receipts_forget() -> int:
    """Forgets webhooks that will not come again. Returns how many."""
    with tenancy.across("receipts of every ministry grow old alike"):
        old = WebhookReceipt.objects.filter(received_at__lt=timezone.now() - RECEIPTS_KEPT)
        count: int = old.delete()[0]
    return count
