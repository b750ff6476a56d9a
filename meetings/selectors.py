"""Reads of meetings, as a person may see them."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts import tenancy
from accounts.models import Membership, User
from accounts.models import Role as MinistryRole
from meetings import policies
from meetings.codes import is_code
from meetings.errors import NotVisible
from meetings.models import (
    LIVE_STATES,
    Invitation,
    InvitationRole,
    Job,
    MediaFile,
    Meeting,
    MeetingState,
    Recording,
)
from meetings.policies import Standing


@dataclass(frozen=True)
class Viewer:
    """Whoever is asking: a signed-in person, or a guest by the invitations their session holds."""

    user: User | None = None
    guest_invitations: frozenset[UUID] = frozenset()


def meeting_located(reference: str) -> Meeting:
    """The meeting with this code or key, in whatever ministry. Raises NotVisible. Not yet a permission."""
    with tenancy.across("an address names a meeting before its ministry is known"):
        wanted = Q(code=reference.lower()) if is_code(reference.lower()) else _by_key(reference)
        meeting = Meeting.objects.select_related("ministry", "host").filter(wanted).first()
    if meeting is None:
        raise NotVisible(_("There is no such meeting."))
    return meeting


def _by_key(reference: str) -> Q:
    try:
        return Q(id=UUID(reference))
    except ValueError:
        raise NotVisible(_("There is no such meeting.")) from None


def invitation_of(meeting: Meeting, viewer: Viewer) -> Invitation | None:
    """The viewer's unrevoked invitation to this meeting."""
    rows = Invitation.objects.select_related("user").filter(meeting=meeting, revoked_at=None)
    if viewer.user is not None:
        return rows.filter(user=viewer.user).first()
    return rows.filter(user=None, id__in=viewer.guest_invitations).first()


def was_removed(meeting: Meeting, viewer: Viewer) -> bool:
    """Whether an invitation of the viewer's was revoked. Another name does not bring a guest back."""
    mine = Q(user=viewer.user) if viewer.user else Q(user=None, id__in=viewer.guest_invitations)
    return Invitation.objects.filter(mine, meeting=meeting).exclude(revoked_at=None).exists()


def invitation_with(meeting: Meeting, identity: str) -> QuerySet[Invitation]:
    """The invitation, revoked or not, whose identity on the media server this is: one row or none."""
    rows = Invitation.objects.select_related("user").filter(meeting=meeting)
    kind, _dash, key = identity.partition("-")
    try:
        number = UUID(key)
    except ValueError:
        return rows.none()
    return rows.filter(user_id=number) if kind == "user" else rows.filter(id=number, user=None)


def standing(meeting: Meeting, viewer: Viewer) -> Standing:
    """What the viewer is to this meeting. Call within the meeting's ministry."""
    invitation = invitation_of(meeting, viewer)
    membership = Membership.objects.filter(user=viewer.user).first() if viewer.user else None
    return Standing(
        role=InvitationRole(invitation.role) if invitation else None,
        guest=viewer.user is None,
        opens_content=invitation is not None and invitation.opens_content,
        ministry_role=MinistryRole(membership.role) if membership else None,
    )


def meetings_of(user: User) -> QuerySet[Meeting]:
    """Meetings the person hosts or is invited to, newest first, in every ministry that invited them."""
    with tenancy.across("a person's invitations may come from several ministries"):
        invited = Invitation.objects.filter(user=user, revoked_at=None).values("meeting_id")
        return (
            Meeting.objects.select_related("host", "ministry").filter(id__in=invited).order_by("-created_at")
        )


def meetings_with_recordings(user: User, *, limit: int = 50) -> list[Meeting]:
    """The person's last meetings with their recordings already read, live ones first."""
    with tenancy.across("a person's invitations may come from several ministries"):
        rows = list(meetings_of(user).prefetch_related("recordings__transcript")[:limit])
    return sorted(rows, key=lambda meeting: meeting.state != MeetingState.LIVE)


def readable_recordings(user: User) -> list[UUID]:
    """Keys of the recordings whose content the person may see now, in every ministry that invited them."""
    with tenancy.across("a person's invitations may come from several ministries"):
        invited = Invitation.objects.filter(user=user, revoked_at=None)
        leading = invited.filter(role__in=[InvitationRole.HOST, InvitationRole.COHOST]).values("meeting_id")
        allowed = Q(meeting__in=leading) | Q(
            meeting__in=invited.filter(opens_content=True).values("meeting_id"), meeting__shares_content=True
        )
        return list(Recording.objects.filter(allowed).values_list("id", flat=True))


def live_recording(meeting: Meeting) -> Recording | None:
    """The recording that is running or being stopped, if any."""
    return meeting.recordings.filter(state__in=LIVE_STATES).order_by("-started_at").first()


def media_file(recording: Recording, file_id: UUID) -> MediaFile:
    """One playable file of a recording. Raises NotVisible."""
    found = recording.files.filter(id=file_id).first()
    if found is None:
        raise NotVisible(_("There is no such file."))
    return found


def recording_for(viewer: Viewer, recording_id: UUID) -> Recording:
    """The recording, if the viewer may see its content. Raises NotVisible otherwise.

    Enter the recording's ministry before reading anything else of it.
    """
    with tenancy.across("an address names a recording before its ministry is known"):
        recording = (
            Recording.objects.select_related("meeting", "meeting__ministry").filter(id=recording_id).first()
        )
    if recording is None:
        raise NotVisible(_("There is no such recording."))
    with tenancy.scope(recording.ministry_id):
        if not policies.may_see_content(recording.meeting, standing(recording.meeting, viewer)):
            raise NotVisible(_("There is no such recording."))
    return recording


def jobs_about(subjects: Iterable[UUID]) -> QuerySet[Job]:
    """The outbox rows of these subjects, newest first, for showing progress."""
    return Job.objects.filter(subject__in=list(subjects)).order_by("-created_at")
