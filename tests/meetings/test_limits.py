"""Guessing codes is slow, and a room cannot be flooded with guests' invitations."""

import json
from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts import tenancy
from accounts.models import User
from meetings.codes import new_code
from meetings.models import Invitation, Meeting
from meetings.views import limits
from tests.conftest import People

SignedIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def nobody_tried_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(limits, "WRONG_CODES", 3)
    monkeypatch.setattr(limits, "GUESTS", 3)
    monkeypatch.setattr(limits, "_MINUTE", 1_000_000)  # the test lies in one
    cache.clear()
    yield
    cache.clear()


def _come(meeting: Meeting, address: str = "192.0.2.1") -> int:
    url = reverse("room-token", args=[meeting.code])
    client = Client(REMOTE_ADDR=address)
    return client.post(url, json.dumps({"name": "Gaston"}), content_type="application/json").status_code


def test_who_guesses_codes_must_wait_even_for_a_right_one(
    open_meeting: Meeting, people: People, signed_in: SignedIn
) -> None:
    guesser = Client(REMOTE_ADDR="192.0.2.1", headers={"accept-language": "en"})
    for _ in range(limits.WRONG_CODES):
        assert guesser.get(reverse("room", args=[new_code()])).status_code == 302
    page = guesser.get(reverse("room", args=[open_meeting.code]))
    assert page.status_code == 429
    assert "wait a minute" in page.content.decode()
    assert _come(open_meeting) == 429
    assert _come(open_meeting, "192.0.2.2") == 200
    assert signed_in(people.host).get(reverse("room", args=[open_meeting.code])).status_code == 200


def test_tries_of_a_token_for_no_meeting_are_counted_as_guesses(open_meeting: Meeting) -> None:
    guesser = Client(REMOTE_ADDR="192.0.2.1")
    for _ in range(limits.WRONG_CODES):
        url = reverse("room-token", args=[new_code()])
        assert guesser.post(url, "{}", content_type="application/json").status_code == 404
    assert _come(open_meeting) == 429


def test_a_meeting_that_one_may_not_enter_is_no_guess(meeting: Meeting) -> None:
    """A whole ministry may follow an invitation's link before signing in."""
    visitor = Client()
    for _ in range(limits.WRONG_CODES + 2):
        assert visitor.get(reverse("room", args=[meeting.code])).status_code == 302


def test_one_address_cannot_flood_a_room_with_guests(open_meeting: Meeting) -> None:
    answers = [_come(open_meeting) for _ in range(limits.GUESTS + 2)]
    assert answers == [200] * limits.GUESTS + [429] * 2
    with tenancy.scope(open_meeting.ministry_id):
        assert Invitation.objects.exclude(guest_name="").count() == limits.GUESTS
