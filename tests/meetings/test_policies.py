"""The table of permissions, row by row."""

import pytest

from accounts.models import Role
from meetings import policies
from meetings.models import Access, InvitationRole, Meeting, MeetingState
from meetings.policies import Standing

HOST = Standing(role=InvitationRole.HOST, ministry_role=Role.STAFF)
COHOST = Standing(role=InvitationRole.COHOST, ministry_role=Role.STAFF)
INVITEE = Standing(role=InvitationRole.ATTENDEE, opens_content=True, ministry_role=Role.STAFF)
FOREIGN = Standing(role=InvitationRole.ATTENDEE, opens_content=True)
GUEST = Standing(role=InvitationRole.ATTENDEE, guest=True, opens_content=True)
BY_LINK = Standing(role=InvitationRole.ATTENDEE)
ADMIN = Standing(ministry_role=Role.ADMIN)
AUDITOR = Standing(ministry_role=Role.AUDITOR)
COLLEAGUE = Standing(ministry_role=Role.STAFF)
STRANGER = Standing()

#                      see    content attendance others' connections record invite delete
TABLE = [
    ("host", HOST, True, True, True, True, True, True, True),
    ("co-host", COHOST, True, True, True, True, True, True, False),
    ("invitee", INVITEE, True, True, False, False, False, False, False),
    ("invitee of another ministry", FOREIGN, True, True, False, False, False, False, False),
    ("came by the link, never in the room", BY_LINK, True, False, False, False, False, False, False),
    ("guest", GUEST, False, False, False, False, False, False, False),
    ("ministry admin", ADMIN, True, False, True, False, False, False, False),
    ("auditor without mandate", AUDITOR, False, False, False, False, False, False, False),
    ("colleague", COLLEAGUE, False, False, False, False, False, False, False),
    ("stranger", STRANGER, False, False, False, False, False, False, False),
]


@pytest.mark.parametrize(
    ("who", "standing", "see", "content", "attendance", "connections", "record", "invite", "delete"),
    TABLE,
    ids=[row[0] for row in TABLE],
)
def test_who_may_what(
    who: str,
    standing: Standing,
    see: bool,
    content: bool,
    attendance: bool,
    connections: bool,
    record: bool,
    invite: bool,
    delete: bool,
) -> None:
    meeting = Meeting(shares_content=True)
    assert policies.may_see(standing) is see
    assert policies.may_see_content(meeting, standing) is content
    assert policies.may_see_attendance(standing) is attendance
    assert policies.may_see_connections(standing) is connections
    assert policies.may_record(standing) is record
    assert policies.may_invite(standing) is invite
    assert policies.may_delete(standing) is delete


@pytest.mark.parametrize("standing", [INVITEE, FOREIGN])
def test_content_is_the_leaders_alone_when_the_meeting_does_not_share_it(standing: Standing) -> None:
    meeting = Meeting(shares_content=False)
    assert not policies.may_see_content(meeting, standing)
    assert policies.may_see_content(meeting, HOST)
    assert policies.may_see_content(meeting, COHOST)


@pytest.mark.parametrize("standing", [COLLEAGUE, STRANGER, ADMIN])
def test_only_an_open_link_lets_the_uninvited_in(standing: Standing) -> None:
    assert not policies.may_join(Meeting(access=Access.INVITED), standing)
    assert policies.may_join(Meeting(access=Access.LINK), standing)
    assert not policies.may_join(Meeting(access=Access.LINK, state=MeetingState.ENDED), standing)


@pytest.mark.parametrize(("standing", "afterwards"), [(GUEST, False), (BY_LINK, False), (INVITEE, True)])
def test_the_chat_is_everybodys_while_the_meeting_is_held(standing: Standing, afterwards: bool) -> None:
    assert policies.may_see_chat(Meeting(state=MeetingState.LIVE), standing)
    assert policies.may_see_chat(Meeting(state=MeetingState.ENDED), standing) is afterwards
