"""Making, changing and deleting meetings."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import tenancy
from accounts.models import Membership, Ministry, Role, SpokenLanguage, User
from accounts.policies import may_host
from meetings import policies
from meetings.errors import BadInput, NotAllowed
from meetings.models import Access, Invitation, InvitationRole, Meeting, MeetingState
from meetings.policies import Standing
from meetings.text import one_line, same_name


def meeting_start(
    *,
    host: User,
    ministry: Ministry,
    title: str,
    spoken_language: str | None = None,
    access: Access = Access.INVITED,
) -> Meeting:
    """A new meeting of *ministry* with *host* invited as its host. Raises NotAllowed or BadInput."""
    with tenancy.scope(ministry.id), transaction.atomic():
        if not may_host(Membership.objects.filter(user=host).first()):
            raise NotAllowed(_("Only staff and administrators of the ministry can hold meetings."))
        meeting = Meeting.objects.create(
            title=_usable_title(title),
            host=host,
            spoken_language=_known_language(spoken_language or ministry.spoken_language),
            access=access,
        )
        Invitation.objects.create(meeting=meeting, user=host, role=InvitationRole.HOST)
    return meeting


def _usable_title(title: str) -> str:
    title = one_line(title)
    if not title or len(title) > 200:
        raise BadInput(_("A title has from 1 to 200 characters."))
    return title


def _known_language(language: str) -> str:
    if language not in SpokenLanguage.values:
        known = ", ".join(SpokenLanguage.values)
        raise BadInput(_("Unknown language; known are %(languages)s.") % {"languages": known})
    return language


@transaction.atomic
def person_invite(*, meeting: Meeting, by: Standing, user: User) -> Invitation:
    """Invites a person of the meeting's own ministry; a revoked invitation is valid again."""
    if not policies.may_invite(by):
        raise NotAllowed(_("Only the host and co-hosts can invite."))
    return _invite(meeting, user)


def _invite(meeting: Meeting, user: User) -> Invitation:
    membership = Membership.objects.filter(user=user).first()
    if membership is None or membership.role == Role.AUDITOR:
        raise NotAllowed(_("Only staff of the meeting's own ministry can be invited."))
    invitation, _created = Invitation.objects.update_or_create(
        meeting=meeting, user=user, defaults={"revoked_at": None, "opens_content": True}
    )
    return invitation


def operator_invites(*, meeting: Meeting, user: User) -> Invitation:
    """The command line's invitation: an operator on the machine vouches instead of the host."""
    with tenancy.scope(meeting.ministry_id), transaction.atomic():
        existing = Invitation.objects.filter(meeting=meeting, user=user, revoked_at=None).first()
        return existing or _invite(meeting, user)


@transaction.atomic
def guest_invite(*, meeting: Meeting, name: str) -> Invitation:
    """An invitation for a guest, known only by the name they gave, which is no invited person's name."""
    name = one_line(name)
    if not name or len(name) > 80:
        raise BadInput(_("Please give a name of at most 80 characters."))
    known = meeting.invitations.filter(user__isnull=False).values_list("user__name", flat=True)
    if any(same_name(name, other) for other in known):
        raise BadInput(
            _("Somebody invited has this name already. Please add something that tells you apart.")
        )
    return Invitation.objects.create(meeting=meeting, guest_name=name)


@transaction.atomic
def access_change(*, meeting: Meeting, by: Standing, access: Access) -> None:
    """Opens the meeting to whoever has the link, or closes it again."""
    if not policies.may_change(by):
        raise NotAllowed(_("Only the host and co-hosts can change who may come in."))
    meeting.access = access
    meeting.save(update_fields=["access"])


@transaction.atomic
def room_opened(*, meeting: Meeting) -> None:
    """The media server has opened the room."""
    if meeting.state != MeetingState.LIVE:
        meeting.move_to(MeetingState.LIVE)
        meeting.started_at = meeting.started_at or timezone.now()
        meeting.ended_at = None
        meeting.save(update_fields=["state", "started_at", "ended_at"])


@transaction.atomic
def room_closed(*, meeting: Meeting) -> None:
    """The media server has closed the room: everybody has left."""
    if meeting.state == MeetingState.LIVE:
        meeting.move_to(MeetingState.ENDED)
        meeting.ended_at = timezone.now()
        meeting.save(update_fields=["state", "ended_at"])
