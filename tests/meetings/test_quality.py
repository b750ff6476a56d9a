"""How well people are connected: who may read whose figures, and what the page gets of them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import tenancy
from accounts.models import User
from meetings.models import Invitation, InvitationRole, Meeting
from meetings.services.meeting import guest_invite
from tests.conftest import People
from tests.meetings.media_server import FakeMediaServer

SignedIn = Callable[[User], Client]


def _figures(identity: str, **more: Any) -> dict[str, Any]:
    """One participant's, as the relay tells them."""
    layers = [{"quality": quality, "live": quality < 2} for quality in range(3)]
    receives = {"voices": 1, "videos": {"low": 2, "high": 1, "none": 1}, "paused": 3, "left_out": 1}
    return {
        "identity": identity,
        "hidden": False,
        "bitrate_up": 640_000,
        "bitrate_down": 310_000,
        "loss_up": 0.083,
        "loss_down": None,
        "round_trip_ms": 48.5,
        "tracks": [
            {"kind": "audio", "source": "microphone", "layers": [{"quality": 0, "live": True}]},
            {"kind": "video", "source": "camera", "layers": layers},
            {"kind": "video", "source": "screen_share", "layers": [{"quality": 0, "live": True}]},
        ],
        "receives": receives,
    } | more


@pytest.fixture
def call(meeting: Meeting, media_server: FakeMediaServer) -> FakeMediaServer:
    """Everybody invited is in the room, a guest and a hidden recorder as well."""
    with tenancy.scope(meeting.ministry_id):
        guest_invite(meeting=meeting, name="Gaston")
        people = [_figures(row.identity) for row in Invitation.objects.filter(meeting=meeting)]
    media_server.rooms = {meeting.room}
    media_server.figures = [*people, _figures("recorder", hidden=True)]
    return media_server


def _url(meeting: Meeting) -> str:
    return reverse("room-quality", args=[meeting.code])


def _identities(answer: Any) -> list[str]:
    return [one["identity"] for one in answer.json()["people"]]


@pytest.mark.parametrize("role", [InvitationRole.HOST, InvitationRole.COHOST])
def test_those_who_lead_read_of_everybody(
    people: People, meeting: Meeting, call: FakeMediaServer, signed_in: SignedIn, role: InvitationRole
) -> None:
    who = people.host if role == InvitationRole.HOST else people.invitee
    with tenancy.scope(meeting.ministry_id):
        Invitation.objects.filter(meeting=meeting, user=who).update(role=role)
        wanted = {row.identity for row in Invitation.objects.filter(meeting=meeting)}
    answer = signed_in(who).get(_url(meeting))
    assert set(_identities(answer)) == wanted
    assert len(wanted) == 3
    assert "no-store" in answer["Cache-Control"]


def test_the_others_read_of_themselves(
    people: People, meeting: Meeting, call: FakeMediaServer, signed_in: SignedIn
) -> None:
    assert _identities(signed_in(people.invitee).get(_url(meeting))) == [f"user-{people.invitee.id}"]
    assert not call.asked("GetRoom"), "everybody else was measured for it"


def test_somebody_who_is_not_in_the_room_has_no_figures(
    people: People, meeting: Meeting, call: FakeMediaServer, signed_in: SignedIn
) -> None:
    call.figures = []
    answer = signed_in(people.invitee).get(_url(meeting))
    assert (answer.status_code, answer.json()) == (200, {"people": []})


def test_a_guest_reads_of_themselves(people: People, open_meeting: Meeting, call: FakeMediaServer) -> None:
    guest = Client()
    token = reverse("room-token", args=[open_meeting.code])
    identity = guest.post(token, {"name": "Gisèle"}, content_type="application/json").json()["identity"]
    assert call.figures is not None
    call.figures.append(_figures(identity))
    assert _identities(guest.get(_url(open_meeting))) == [identity]


@pytest.mark.parametrize("who", ["colleague", "stranger", "auditor", "admin"])
def test_to_whoever_takes_no_part_it_is_absent(
    people: People, meeting: Meeting, call: FakeMediaServer, signed_in: SignedIn, who: str
) -> None:
    assert signed_in(getattr(people, who)).get(_url(meeting)).status_code == 404
    assert Client().get(_url(meeting)).status_code == 404
    assert not call.asked("GetRoom")
    assert not call.asked("GetParticipant")


def test_it_is_absent_to_whom_the_host_has_removed(
    people: People, meeting: Meeting, call: FakeMediaServer, signed_in: SignedIn
) -> None:
    with tenancy.scope(meeting.ministry_id):
        row = Invitation.objects.get(meeting=meeting, user=people.invitee)
        row.revoked_at = meeting.created_at
        row.save()
    assert signed_in(people.invitee).get(_url(meeting)).status_code == 404


def test_figures_and_sizes_come_as_the_page_shows_them(
    people: People, meeting: Meeting, call: FakeMediaServer, signed_in: SignedIn
) -> None:
    (one,) = signed_in(people.invitee).get(_url(meeting)).json()["people"]

    def picture(size: str, count: int = 1, *, screen: bool = False) -> dict[str, Any]:
        return {"size": size, "screen": screen, "count": count}

    assert one["up"] == {
        "bitrate": 640_000,
        "loss": 0.083,
        "pictures": [picture("small"), picture("medium"), picture("single", screen=True)],
    }
    assert (one["down"]["bitrate"], one["down"]["loss"]) == (310_000, None)
    received = sorted(one["down"]["pictures"], key=lambda seen: str(seen["size"]))
    assert received == [picture("large"), picture("small", 2)]
    assert (one["roundTrip"], one["paused"]) == (48.5, 3)


def test_before_anybody_has_come_there_are_none(
    people: People, meeting: Meeting, call: FakeMediaServer, signed_in: SignedIn
) -> None:
    call.rooms = set()
    answer = signed_in(people.host).get(_url(meeting))
    assert (answer.status_code, answer.json()) == (200, {"people": []})


def test_a_media_server_that_does_not_answer_is_told_in_a_sentence(
    people: People, meeting: Meeting, call: FakeMediaServer, signed_in: SignedIn
) -> None:
    call.broken = True
    answer = signed_in(people.host).get(_url(meeting))
    assert answer.status_code == 503
    assert "cannot be reached" in answer.json()["error"]


def test_a_media_server_of_another_make_measures_nothing(
    people: People, meeting: Meeting, call: FakeMediaServer, signed_in: SignedIn
) -> None:
    call.figures = None
    answer = signed_in(people.host).get(_url(meeting))
    assert answer.status_code == 501
    assert "does not measure" in answer.json()["error"]
