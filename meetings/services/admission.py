"""Letting people in: who is admitted, and the token that proves it to the media server."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts import tenancy
from accounts.models import User
from meetings import events, media, policies, selectors
from meetings.errors import NotAllowed, NotVisible
from meetings.models import Invitation, Meeting, MeetingState
from meetings.selectors import Viewer
from meetings.services import meeting as meetings
from meetings.services import recording as recordings


@dataclass(frozen=True)
class Admission:
    """What a browser or SDK needs to connect. ``token`` must be used within five minutes."""

    url: str
    token: str
    room: str
    identity: str
    name: str


def admit(*, meeting: Meeting, viewer: Viewer, guest_name: str = "") -> tuple[Admission, Invitation]:
    """Admits the viewer, or a guest by name, to a meeting. Raises NotVisible, NotAllowed or BadInput.

    Whoever comes in by an open link gets an invitation row of their own, so that leaving and coming back,
    attendance and later rights all hang on one identity.
    """
    with tenancy.scope(meeting.ministry_id):
        invitation = selectors.invitation_of(meeting, viewer)
        if invitation is None:
            invitation = _come_by_link(meeting, viewer, guest_name)
        return issue(meeting, invitation), invitation


def _come_by_link(meeting: Meeting, viewer: Viewer, guest_name: str) -> Invitation:
    if not policies.may_join(meeting, selectors.standing(meeting, viewer)):
        raise NotVisible(_("There is no such meeting."))
    if selectors.was_removed(meeting, viewer):
        raise NotAllowed(_("The host has removed you from this meeting."))
    if viewer.user is None:
        return meetings.guest_invite(meeting=meeting, name=guest_name)
    invitation: Invitation
    invitation, _created = Invitation.objects.get_or_create(
        meeting=meeting, user=viewer.user, defaults={"opens_content": False}
    )
    return invitation


def issue(meeting: Meeting, invitation: Invitation) -> Admission:
    """A fresh token for an invitation."""
    return Admission(
        url=media.client_url(),
        token=media.join_token(
            room=meeting.room, identity=invitation.identity, name=invitation.name, role=invitation.role
        ),
        room=meeting.room,
        identity=invitation.identity,
        name=invitation.name,
    )


def verify(*, room: str, identity: str, name: str, role: str) -> None:
    """What the relay asks at each connection: is this still true? Raises NotAllowed saying what is not.

    The token's signature has been checked already; this finds people removed, renamed or demoted since.
    """
    try:
        meeting = selectors.meeting_located(room)
    except NotVisible:
        raise NotAllowed("the room's meeting does not exist") from None
    with tenancy.scope(meeting.ministry_id):
        invitation = selectors.invitation_with(meeting, identity).first()
        if invitation is None or invitation.revoked_at is not None:
            raise NotAllowed("no valid invitation")
        if invitation.user is not None and not invitation.user.is_active:
            raise NotAllowed("the account is closed")
        if role != invitation.role:
            raise NotAllowed(f"role is {invitation.role}, the token says {role or 'nothing'}")
        if name != invitation.name:
            raise NotAllowed("the name is not the invitation's")


def account_closed(*, user: User) -> None:
    """Somebody whose account was closed leaves every live room; ``verify`` keeps them out afterwards."""
    with tenancy.across("a person's invitations may come from several ministries"):
        invited = Invitation.objects.filter(user=user, meeting__state=MeetingState.LIVE)
        for invitation in invited.select_related("user"):
            events.participant_removed(invitation)


def notice_answered(*, meeting: Meeting, invitation: Invitation, agreed: bool) -> None:
    """The person was shown that the meeting is recorded; *agreed* is what they answered."""
    with tenancy.scope(meeting.ministry_id):
        live = selectors.live_recording(meeting)
        if live is None:
            return
        keep = recordings.consent_given if agreed else recordings.consent_told
        keep(recording=live, identity=invitation.identity, name=invitation.name)
