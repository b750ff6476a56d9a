"""Who gets a token, what it says, and what the relay is told when it asks again."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from livekit import api

from accounts import tenancy
from meetings.errors import BadInput, NotAllowed, NotVisible
from meetings.models import Access, Invitation, Meeting
from meetings.selectors import Viewer
from meetings.services import admission
from tests.conftest import People


def _claims(token: str) -> Any:
    return api.TokenVerifier(settings.MEDIA_SERVER_KEY, settings.MEDIA_SERVER_SECRET).verify(token)


def _verify(meeting: Meeting, identity: str, *, name: str, role: str) -> None:
    admission.verify(room=meeting.room, identity=identity, name=name, role=role)


def test_a_token_is_bound_to_room_identity_name_and_role(meeting: Meeting, people: People) -> None:
    admitted, _ = admission.admit(meeting=meeting, viewer=Viewer(user=people.host))
    claims = _claims(admitted.token)
    assert claims.video is not None
    assert claims.video.room == meeting.room
    assert claims.identity == f"user-{people.host.id}"
    assert claims.name == "Hélène"
    assert claims.attributes == {"role": "host"}
    assert not claims.video.room_admin


def test_a_token_is_good_for_five_minutes_at_most(meeting: Meeting, people: People) -> None:
    import jwt

    admitted, _ = admission.admit(meeting=meeting, viewer=Viewer(user=people.host))
    raw = jwt.decode(admitted.token, options={"verify_signature": False})
    assert 0 < raw["exp"] - datetime.now(UTC).timestamp() <= 300


@pytest.mark.parametrize("who", ["colleague", "stranger", "admin", "auditor"])
def test_the_uninvited_get_no_token_and_learn_nothing(meeting: Meeting, people: People, who: str) -> None:
    with pytest.raises(NotVisible):
        admission.admit(meeting=meeting, viewer=Viewer(user=getattr(people, who)))


def test_a_guest_comes_in_by_name_only_where_the_link_is_open(meeting: Meeting) -> None:
    with pytest.raises(NotVisible):
        admission.admit(meeting=meeting, viewer=Viewer(), guest_name="Gaston")
    meeting.access = Access.LINK
    with tenancy.scope(meeting.ministry_id):
        meeting.save()
    admitted, invitation = admission.admit(meeting=meeting, viewer=Viewer(), guest_name="  Gaston  ")
    assert admitted.name == "Gaston"
    again, _ = admission.admit(
        meeting=meeting, viewer=Viewer(guest_invitations=frozenset({invitation.id})), guest_name="Another"
    )
    assert (again.identity, again.name) == (admitted.identity, "Gaston")


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_guest_needs_a_usable_name(meeting: Meeting, name: str) -> None:
    meeting.access = Access.LINK
    with tenancy.scope(meeting.ministry_id):
        meeting.save()
    with pytest.raises(BadInput, match="name"):
        admission.admit(meeting=meeting, viewer=Viewer(), guest_name=name)


def test_the_relay_is_told_that_an_admission_still_holds(meeting: Meeting, people: People) -> None:
    _verify(meeting, f"user-{people.host.id}", name="Hélène", role="host")
    with pytest.raises(NotAllowed):
        _verify(meeting, f"user-{people.stranger.id}", name="Sam", role="host")


def test_a_raised_role_is_refused(meeting: Meeting, people: People) -> None:
    with pytest.raises(NotAllowed, match="role"):
        _verify(meeting, f"user-{people.invitee.id}", name="Ivan", role="host")


def test_another_name_is_refused(meeting: Meeting, people: People) -> None:
    with pytest.raises(NotAllowed, match="name"):
        _verify(meeting, f"user-{people.invitee.id}", name="Hélène", role="attendee")


def test_a_revoked_invitation_and_a_closed_account_are_refused(meeting: Meeting, people: People) -> None:
    identity = f"user-{people.invitee.id}"
    with tenancy.scope(people.ministry.id):
        Invitation.objects.filter(user=people.invitee).update(revoked_at=timezone.now())
    with pytest.raises(NotAllowed, match="invitation"):
        _verify(meeting, identity, name="Ivan", role="attendee")
    with tenancy.scope(people.ministry.id):
        Invitation.objects.filter(user=people.invitee).update(revoked_at=None)
    people.invitee.is_active = False
    people.invitee.save()
    with pytest.raises(NotAllowed, match="closed"):
        _verify(meeting, identity, name="Ivan", role="attendee")


@pytest.mark.parametrize("room", ["", "no-such-room", "00000000-0000-4000-8000-000000000000"])
@pytest.mark.parametrize("identity", ["", "user-", "user-x", "guest-00000000-0000-4000-8000-000000000000"])
@pytest.mark.django_db
def test_unknown_rooms_and_identities_are_refused(room: str, identity: str) -> None:
    with pytest.raises(NotAllowed):
        admission.verify(room=room, identity=identity, name="x", role="host")
