"""Who was in the room, from when to when, as the media server tells it."""

from datetime import UTC, datetime

from django.db import transaction

from meetings.models import Attendance, Meeting
from meetings.selectors import invitation_with


@transaction.atomic
def participant_joined(*, meeting: Meeting, identity: str, name: str, sid: str, at: datetime) -> None:
    """A stay begins. Told twice, it began once. Whoever came by the link has attended from now on."""
    invitation_with(meeting, identity).update(opens_content=True)
    Attendance.objects.get_or_create(
        meeting=meeting, participant_sid=sid, defaults={"identity": identity, "name": name, "joined_at": at}
    )


@transaction.atomic
def participant_left(*, meeting: Meeting, identity: str, name: str, sid: str, at: datetime) -> None:
    """A stay ends; its beginning may never have been told."""
    Attendance.objects.update_or_create(
        meeting=meeting,
        participant_sid=sid,
        defaults={"left_at": at},
        create_defaults={"identity": identity, "name": name, "joined_at": at, "left_at": at},
    )


@transaction.atomic
def everybody_left(*, meeting: Meeting, came_by: datetime | None = None) -> None:
    """The room has closed: stays whose end was never told end now. *came_by*: only those begun until then."""
    stays = meeting.attendance.filter(left_at=None)
    if came_by is not None:
        stays = stays.filter(joined_at__lte=came_by)
    stays.update(left_at=datetime.now(UTC))


def somebody_is_in(*, meeting: Meeting) -> bool:
    """Whether a stay has not ended, as far as was told."""
    return meeting.attendance.filter(left_at=None).exists()
