"""Bodies nobody in good faith would send: each is refused with a sentence, none is an error of ours."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import tenancy
from accounts.models import User
from meetings.models import Invitation, Meeting
from tests.conftest import People
from tests.meetings.media_server import FakeMediaServer

SignedIn = Callable[[User], Client]
CALLS = ("token", "chat", "recording", "consent", "people", "access")


def _post(client: Client, meeting: Meeting, call: str, body: str) -> Any:
    return client.post(reverse(f"room-{call}", args=[meeting.code]), body, content_type="application/json")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("body", ["[" * 60_000, '{"text":' + "[" * 50_000, '{"text":' + "9" * 5_000 + "}"])
def test_nested_or_endless_json_is_no_server_error(
    meeting: Meeting, people: People, signed_in: SignedIn, call: str, body: str
) -> None:
    assert _post(signed_in(people.host), meeting, call, body).status_code == 400


@pytest.mark.parametrize("name", [["x"], {}, 5, True, "\u200b\u202e", "\x00", "\ud800", "x" * 81])
def test_a_guest_needs_a_name_that_can_be_seen(open_meeting: Meeting, name: Any) -> None:
    response = _post(Client(), open_meeting, "token", json.dumps({"name": name}))
    assert response.status_code == 400
    assert response.json()["error"]
    with tenancy.scope(open_meeting.ministry_id):
        assert not Invitation.objects.exclude(guest_name="").exists()


@pytest.mark.parametrize("name", ["Hélène", "HÉLÈNE", " Hé\u200blène\u202e"])
def test_a_guest_cannot_take_the_name_of_somebody_invited(open_meeting: Meeting, name: str) -> None:
    response = _post(Client(), open_meeting, "token", json.dumps({"name": name}))
    assert response.status_code == 400


def test_a_lone_surrogate_in_a_chat_message_is_left_out(
    meeting: Meeting, people: People, signed_in: SignedIn, media_server: FakeMediaServer
) -> None:
    client = signed_in(people.host)
    sent = _post(client, meeting, "chat", '{"text": "so \\ud800\\u0000\\u202ewhat"}')
    assert sent.status_code == 201
    assert sent.json()["text"] == "so what"
    assert _post(client, meeting, "chat", '{"text": "\\ud800"}').status_code == 400


def test_a_direction_mark_in_a_title_is_left_out(people: People, signed_in: SignedIn) -> None:
    form = {"title": "\u202eBudget\u0007", "spoken_language": "fr", "access": "invited"}
    assert signed_in(people.host).post(reverse("meeting-start"), form).status_code == 302
    with tenancy.scope(people.ministry.id):
        assert Meeting.objects.get().title == "Budget"
