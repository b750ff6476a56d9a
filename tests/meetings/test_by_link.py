"""What knowing a meeting's link opens, and what it does not."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import tenancy
from accounts.models import User
from meetings import selectors
from meetings.errors import NotAllowed
from meetings.models import ChatMessage, Invitation, Meeting, MeetingState, Recording
from meetings.selectors import Viewer
from meetings.services import admission, attendance
from meetings.services import meeting as meetings
from tests.conftest import People
from tests.meetings.media_server import FakeMediaServer

SignedIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def content(people: People, open_meeting: Meeting) -> None:
    """The meeting is live, something was recorded and something written."""
    with tenancy.scope(people.ministry.id):
        meetings.room_opened(meeting=open_meeting)
        Recording.objects.create(meeting=open_meeting, started_by=people.host, state="ready", sealed_key=b"x")
        ChatMessage.objects.create(meeting=open_meeting, identity="x", name="x", text="a secret remark")


def _end(meeting: Meeting) -> None:
    with tenancy.scope(meeting.ministry_id):
        meetings.room_closed(meeting=meeting)


def _call(client: Client, meeting: Meeting, call: str, body: Any) -> Any:
    url = reverse(f"room-{call}", args=[meeting.code])
    return client.post(url, json.dumps(body), content_type="application/json")


def _chat(client: Client, meeting: Meeting) -> list[Any]:
    return client.get(reverse("room-chat", args=[meeting.code])).json()["messages"]


def test_a_token_by_the_link_opens_no_recording_until_the_person_was_in_the_room(
    open_meeting: Meeting, people: People
) -> None:
    viewer = Viewer(user=people.stranger)
    admitted, _ = admission.admit(meeting=open_meeting, viewer=viewer)
    assert selectors.readable_recordings(people.stranger) == []
    with tenancy.scope(open_meeting.ministry_id):
        attendance.participant_joined(
            meeting=open_meeting, identity=admitted.identity, name="Sam", sid="PA_1", at=datetime.now(UTC)
        )
    assert len(selectors.readable_recordings(people.stranger)) == 1


def test_the_page_of_a_token_by_the_link_shows_no_content(
    open_meeting: Meeting, people: People, signed_in: SignedIn
) -> None:
    client = signed_in(people.stranger)
    assert _call(client, open_meeting, "token", {}).status_code == 200
    assert "a secret remark" not in client.get(open_meeting.get_absolute_url()).content.decode()
    assert client.get(reverse("meeting-progress", args=[open_meeting.id])).status_code == 404


def test_a_link_found_after_the_meeting_lets_nobody_in(
    open_meeting: Meeting, people: People, signed_in: SignedIn
) -> None:
    _end(open_meeting)
    for client in (signed_in(people.stranger), Client()):
        assert _call(client, open_meeting, "token", {"name": "Gaston"}).status_code == 404
    assert _call(signed_in(people.invitee), open_meeting, "token", {}).status_code == 200


def test_a_guest_reads_and_writes_chat_only_while_the_meeting_is_held(
    open_meeting: Meeting, media_server: FakeMediaServer
) -> None:
    guest = Client()
    assert _call(guest, open_meeting, "token", {"name": "Gaston"}).status_code == 200
    assert [row["text"] for row in _chat(guest, open_meeting)] == ["a secret remark"]
    _end(open_meeting)
    assert _chat(guest, open_meeting) == []
    assert _call(guest, open_meeting, "chat", {"text": "late"}).status_code == 409


def test_the_invited_read_the_chat_afterwards(
    open_meeting: Meeting, people: People, signed_in: SignedIn
) -> None:
    _end(open_meeting)
    assert len(_chat(signed_in(people.invitee), open_meeting)) == 1


def test_a_removed_guest_does_not_come_back_under_another_name(open_meeting: Meeting) -> None:
    _, invitation = admission.admit(meeting=open_meeting, viewer=Viewer(), guest_name="Gaston")
    with tenancy.scope(open_meeting.ministry_id):
        Invitation.objects.filter(id=invitation.id).update(revoked_at=timezone.now())
    again = Viewer(guest_invitations=frozenset({invitation.id}))
    with pytest.raises(NotAllowed):
        admission.admit(meeting=open_meeting, viewer=again, guest_name="Gustave")


def test_an_invitation_by_the_host_opens_what_the_link_did_not(open_meeting: Meeting, people: People) -> None:
    admission.admit(meeting=open_meeting, viewer=Viewer(user=people.colleague))
    with tenancy.scope(open_meeting.ministry_id):
        host = selectors.standing(open_meeting, Viewer(user=people.host))
        meetings.person_invite(meeting=open_meeting, by=host, user=people.colleague)
    assert len(selectors.readable_recordings(people.colleague)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_closed_account_leaves_the_live_room_at_once(
    open_meeting: Meeting, people: People, media_server: FakeMediaServer
) -> None:
    people.invitee.is_active = False
    people.invitee.save()
    (removed,) = media_server.asked("RemoveParticipant")
    assert (removed.room, removed.identity) == (open_meeting.room, f"user-{people.invitee.id}")
    assert open_meeting.state == MeetingState.LIVE
