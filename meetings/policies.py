"""Who may do what in a meeting: the table of permissions, one function per column.

Rows come from ``docs/permissions.md``. Everything here is pure: a person's standing in, yes or no out.
"""

from dataclasses import dataclass

from accounts.models import Role
from meetings.models import Access, InvitationRole, Meeting, MeetingState


@dataclass(frozen=True)
class Standing:
    """What one person, or guest, is to one meeting."""

    role: InvitationRole | None = None
    guest: bool = False
    opens_content: bool = False
    """Invited by the host, or has been in the room: knowing the link alone opens nothing afterwards."""
    ministry_role: Role | None = None
    """The role in the meeting's own ministry; None for people of other ministries and guests."""

    @property
    def invited(self) -> bool:
        return self.role is not None

    @property
    def leads(self) -> bool:
        """Host or co-host."""
        return self.role in (InvitationRole.HOST, InvitationRole.COHOST)


def may_see(standing: Standing) -> bool:
    """That the meeting exists: its title, time and people. Everyone else is answered 404."""
    return (standing.invited and not standing.guest) or standing.ministry_role == Role.ADMIN


def may_join(meeting: Meeting, standing: Standing) -> bool:
    """Whether the person may come in: invited, or the meeting is open to whoever has its link.

    The link lets nobody new into a meeting that is over, so that one found later does not open its archive.
    """
    return standing.invited or (meeting.access == Access.LINK and meeting.state != MeetingState.ENDED)


def may_see_content(meeting: Meeting, standing: Standing) -> bool:
    """Recording, transcript and chat afterwards. No role in the ministry gives this by itself."""
    if standing.guest:
        return False
    return standing.leads or (standing.invited and standing.opens_content and meeting.shares_content)


def may_see_chat(meeting: Meeting, standing: Standing) -> bool:
    """While the meeting is held, whoever takes part; afterwards it is content like the rest."""
    taking_part = standing.invited and meeting.state == MeetingState.LIVE
    return taking_part or may_see_content(meeting, standing)


def may_see_attendance(standing: Standing) -> bool:
    return standing.leads or standing.ministry_role == Role.ADMIN


def may_see_connections(standing: Standing) -> bool:
    """How well the others are connected, while the meeting is held. Whoever takes part sees their own."""
    return standing.leads


def may_record(standing: Standing) -> bool:
    return standing.leads


def may_invite(standing: Standing) -> bool:
    return standing.leads


def may_change(standing: Standing) -> bool:
    """Title, access and what is shared."""
    return standing.leads


def may_delete(standing: Standing) -> bool:
    """The host alone, unless a hold forbids it."""
    return standing.role == InvitationRole.HOST
