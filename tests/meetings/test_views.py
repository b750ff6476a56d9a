"""Pages and calls of meetings, over HTTP, as different people."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts import tenancy
from accounts.models import User
from meetings.models import Access, ChatMessage, Invitation, MediaFile, Meeting, MeetingState, Recording
from meetings.services import meeting as meetings
from meetings.services import storage
from tests.conftest import PASSWORD, People
from tests.meetings.media_server import FakeMediaServer

SignedIn = Callable[[User], Client]


def _room_url(meeting: Meeting, call: str = "") -> str:
    return reverse(f"room-{call}" if call else "room", args=[meeting.code])


def _post(client: Client, url: str, body: Any) -> Any:
    return client.post(url, json.dumps(body), content_type="application/json")


@pytest.fixture
def recorded(people: People, meeting: Meeting) -> MediaFile:
    """A finished recording of the meeting with one file of 1,000 known bytes."""
    with tenancy.scope(people.ministry.id):
        row = Recording.objects.create(
            meeting=meeting, started_by=people.host, state="ready", sealed_key=b"x", duration=3.0
        )
        folder = storage.recording_folder(row)
        folder.mkdir(parents=True)
        (folder / "mix.webm").write_bytes(bytes(range(250)) * 4)
        path = str((folder / "mix.webm").relative_to(settings.RECORDINGS_DIR))
        return MediaFile.objects.create(recording=row, content="mix", path=path, duration=3.0, bytes=1000)


def _media_url(file: MediaFile) -> str:
    return reverse("recording-media", args=[file.recording_id, file.id])


def _body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_visitors_are_asked_to_sign_in(people: People, meeting: Meeting) -> None:
    for url in ("/", meeting.get_absolute_url(), _room_url(meeting)):
        response = Client().get(url)
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_login"))


def test_signing_in_leads_home(people: People) -> None:
    client = Client(headers={"accept-language": "en"})
    response = client.post(reverse("account_login"), {"login": people.host.email, "password": PASSWORD})
    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.get("/").status_code == 200


def test_nobody_can_sign_up(db: None) -> None:
    response = Client().post(reverse("account_signup"), {"email": "x@example.org", "password1": PASSWORD})
    assert response.status_code == 200
    assert not User.objects.filter(email="x@example.org").exists()


def test_starting_a_meeting_leads_to_its_room(people: People, signed_in: SignedIn) -> None:
    form = {"title": "Weekly", "spoken_language": "fr", "access": "invited"}
    response = signed_in(people.host).post(reverse("meeting-start"), form)
    with tenancy.scope(people.ministry.id):
        meeting = Meeting.objects.get(title="Weekly")
        assert Invitation.objects.get(meeting=meeting).user == people.host
    assert response["Location"] == _room_url(meeting)


def test_an_auditor_cannot_hold_meetings(people: People, signed_in: SignedIn) -> None:
    form = {"title": "Weekly", "spoken_language": "fr", "access": "invited"}
    assert signed_in(people.auditor).post(reverse("meeting-start"), form).status_code == 403


def test_a_code_leads_to_its_room_even_as_a_whole_address(
    people: People, meeting: Meeting, signed_in: SignedIn
) -> None:
    client = signed_in(people.host)
    response = client.post(reverse("join-by-code"), {"code": f"https://visio.example/{meeting.code}/"})
    assert response["Location"] == _room_url(meeting)
    assert client.post(reverse("join-by-code"), {"code": "what?"}).status_code == 400


@pytest.mark.parametrize("who", ["host", "invitee"])
def test_the_invited_see_page_room_and_files(
    people: People, meeting: Meeting, recorded: MediaFile, signed_in: SignedIn, who: str
) -> None:
    client = signed_in(getattr(people, who))
    for url in (meeting.get_absolute_url(), _room_url(meeting), _media_url(recorded)):
        assert client.get(url).status_code == 200


@pytest.mark.parametrize("who", ["colleague", "stranger", "auditor"])
def test_to_the_uninvited_everything_is_absent(
    people: People, meeting: Meeting, recorded: MediaFile, signed_in: SignedIn, who: str
) -> None:
    client = signed_in(getattr(people, who))
    progress = reverse("meeting-progress", args=[meeting.id])
    delete = reverse("meeting-delete", args=[meeting.id])
    pages = (meeting.get_absolute_url(), _room_url(meeting), _media_url(recorded), progress, delete)
    for url in (*pages, *(_room_url(meeting, call) for call in ("chat", "people", "quality"))):
        assert client.get(url).status_code == 404, url
    for call in ("token", "chat", "recording", "consent", "people", "access"):
        assert _post(client, _room_url(meeting, call), {}).status_code == 404, call
    assert client.post(delete).status_code == 404
    assert meeting.title not in client.get("/").content.decode()


def test_a_ministry_admin_sees_the_meeting_and_none_of_its_content(
    people: People, meeting: Meeting, recorded: MediaFile, signed_in: SignedIn
) -> None:
    client = signed_in(people.admin)
    with tenancy.scope(people.ministry.id):
        ChatMessage.objects.create(meeting=meeting, identity="x", name="x", text="a secret remark")
    page = client.get(meeting.get_absolute_url())
    assert page.status_code == 200
    assert "a secret remark" not in page.content.decode()
    assert client.get(_media_url(recorded)).status_code == 404


def test_a_guest_joins_an_open_meeting_by_name_and_stays_the_same_after_a_reload(
    people: People, meeting: Meeting
) -> None:
    with tenancy.scope(people.ministry.id):
        meeting.access = Access.LINK
        meeting.save()
    guest = Client()
    assert guest.get(_room_url(meeting)).status_code == 200
    first = _post(guest, _room_url(meeting, "token"), {"name": "Gaston"}).json()
    second = _post(guest, _room_url(meeting, "token"), {"name": "Gaston"}).json()
    assert first["identity"] == second["identity"]
    assert guest.get(meeting.get_absolute_url()).status_code == 302
    assert _post(guest, _room_url(meeting, "recording"), {"action": "start"}).status_code in (400, 403)


def test_a_guest_without_a_name_is_told_so(people: People, meeting: Meeting) -> None:
    with tenancy.scope(people.ministry.id):
        meeting.access = Access.LINK
        meeting.save()
    url = _room_url(meeting, "token")
    english = _post(Client(headers={"accept-language": "en"}), url, {"name": " "})
    french = _post(Client(headers={"accept-language": "fr"}), url, {"name": " "})
    assert (english.status_code, french.status_code) == (400, 400)
    assert "name" in english.json()["error"]
    assert "nom" in french.json()["error"]


@pytest.mark.django_db(transaction=True)
def test_chat_is_kept_and_shown_to_the_room(
    people: People, meeting: Meeting, signed_in: SignedIn, media_server: FakeMediaServer
) -> None:
    client = signed_in(people.invitee)
    sent = _post(client, _room_url(meeting, "chat"), {"text": "Bonjour <b>à tous</b>"})
    assert sent.status_code == 201
    (packet,) = media_server.asked("SendData")
    assert json.loads(packet.data) == sent.json()
    assert packet.topic == "visio.chat"
    history = signed_in(people.host).get(_room_url(meeting, "chat")).json()["messages"]
    assert [(row["name"], row["text"]) for row in history] == [("Ivan", "Bonjour <b>à tous</b>")]


@pytest.mark.django_db(transaction=True)
def test_chat_is_kept_when_the_media_server_cannot_be_reached(
    people: People, meeting: Meeting, signed_in: SignedIn, media_server: FakeMediaServer
) -> None:
    media_server.broken = True
    client = signed_in(people.invitee)
    assert _post(client, _room_url(meeting, "chat"), {"text": "still here"}).status_code == 201
    assert len(client.get(_room_url(meeting, "chat")).json()["messages"]) == 1


@pytest.mark.parametrize("text", ["", "   ", "x" * 4001])
def test_unusable_messages_are_refused_with_a_sentence(
    people: People, meeting: Meeting, signed_in: SignedIn, text: str
) -> None:
    response = _post(signed_in(people.invitee), _room_url(meeting, "chat"), {"text": text})
    assert response.status_code == 400
    assert response.json()["error"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff\xfe", b"null", b'"text"'])
def test_bodies_that_are_no_object_are_refused(
    people: People, meeting: Meeting, signed_in: SignedIn, body: bytes
) -> None:
    client = signed_in(people.host)
    response = client.post(_room_url(meeting, "chat"), body, content_type="application/json")
    assert response.status_code == 400


def test_the_host_records_by_one_call_and_participants_cannot(
    people: People, meeting: Meeting, signed_in: SignedIn, media_server: FakeMediaServer
) -> None:
    with tenancy.scope(people.ministry.id):
        meetings.room_opened(meeting=meeting)
    url = _room_url(meeting, "recording")
    assert _post(signed_in(people.invitee), url, {"action": "start"}).status_code == 403
    host = signed_in(people.host)
    assert _post(host, url, {"action": "start"}).json() == {"state": "running"}
    assert _post(host, url, {"action": "start"}).status_code == 409
    assert _post(host, url, {"action": "stop"}).status_code == 200
    assert _post(host, url, {"action": "dance"}).status_code == 400


def test_consent_is_kept_with_its_time(
    people: People, meeting: Meeting, signed_in: SignedIn, media_server: FakeMediaServer
) -> None:
    with tenancy.scope(people.ministry.id):
        meetings.room_opened(meeting=meeting)
    _post(signed_in(people.host), _room_url(meeting, "recording"), {"action": "start"})
    client = signed_in(people.invitee)
    _post(client, _room_url(meeting, "consent"), {"agreed": False})
    with tenancy.scope(people.ministry.id):
        consent = meeting.recordings.get().consents.get(name="Ivan")
        assert consent.agreed_at is None
    _post(client, _room_url(meeting, "consent"), {"agreed": True})
    with tenancy.scope(people.ministry.id):
        consent.refresh_from_db()
    assert consent.agreed_at is not None


def test_the_host_invites_a_colleague_who_then_sees_the_meeting(
    people: People, meeting: Meeting, signed_in: SignedIn
) -> None:
    host = signed_in(people.host)
    url = _room_url(meeting, "people")
    names = {row["name"]: row for row in host.get(url).json()["people"]}
    assert set(names) == {"Ivan", "Claire", "Adam"}
    assert names["Ivan"]["invited"]
    assert _post(host, url, {"user": names["Claire"]["id"]}).json() == {"invited": True}
    assert signed_in(people.colleague).get(meeting.get_absolute_url()).status_code == 200


def test_people_of_other_ministries_cannot_be_invited_yet(
    people: People, meeting: Meeting, signed_in: SignedIn
) -> None:
    response = _post(signed_in(people.host), _room_url(meeting, "people"), {"user": str(people.stranger.id)})
    assert response.status_code == 403
    assert signed_in(people.stranger).get(meeting.get_absolute_url()).status_code == 404


def test_deleting_asks_first_and_removes_rows_and_files(
    people: People, meeting: Meeting, recorded: MediaFile, signed_in: SignedIn, media_server: FakeMediaServer
) -> None:
    host = signed_in(people.host)
    url = reverse("meeting-delete", args=[meeting.id])
    folder = storage.meeting_folder(meeting.ministry_id, meeting.id)
    assert meeting.title in host.get(url).content.decode()
    assert folder.exists()
    assert host.post(url).status_code == 302
    assert not folder.exists()
    with tenancy.scope(people.ministry.id):
        assert not Meeting.objects.exists()
        assert not Recording.objects.exists()
    assert signed_in(people.invitee).post(url).status_code == 404


@pytest.mark.parametrize(
    ("header", "status", "content", "content_range"),
    [
        ("", 200, slice(0, 1000), None),
        ("bytes=0-99", 206, slice(0, 100), "bytes 0-99/1000"),
        ("bytes=990-", 206, slice(990, 1000), "bytes 990-999/1000"),
        ("bytes=-10", 206, slice(990, 1000), "bytes 990-999/1000"),
        ("bytes=500-5000", 206, slice(500, 1000), "bytes 500-999/1000"),
        ("bytes=1000-", 416, slice(0, 0), "bytes */1000"),
        ("bytes=9-5", 416, slice(0, 0), "bytes */1000"),
        ("bytes=-0", 416, slice(0, 0), "bytes */1000"),
        ("bytes=-", 200, slice(0, 1000), None),
        ("lines=1-2", 200, slice(0, 1000), None),
    ],
)
def test_files_are_served_by_range(
    people: People,
    recorded: MediaFile,
    header: str,
    status: int,
    content: slice,
    content_range: str | None,
) -> None:
    from meetings.views.files import ranged

    whole = bytes(range(250)) * 4
    response = ranged(Path(settings.RECORDINGS_DIR) / recorded.path, header)
    assert response.status_code == status
    assert response.headers.get("Content-Range") == content_range
    if status != 416:
        assert int(response.headers["Content-Length"]) == len(whole[content])


async def test_a_range_holds_exactly_its_bytes(tmp_path: Path) -> None:
    from meetings.views.files import ranged

    path = tmp_path / "x.webm"
    path.write_bytes(bytes(range(250)) * 4)
    response: Any = ranged(path, "bytes=100-349")
    body = b"".join([block async for block in response.streaming_content])
    assert body == (bytes(range(250)) * 4)[100:350]


def test_pages_carry_a_strict_content_security_policy(people: People, signed_in: SignedIn) -> None:
    policy = signed_in(people.host).get("/")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_state_follows_the_room(people: People, meeting: Meeting) -> None:
    with tenancy.scope(people.ministry.id):
        meetings.room_opened(meeting=meeting)
        assert meeting.state == MeetingState.LIVE
        meetings.room_closed(meeting=meeting)
        assert meeting.state == MeetingState.ENDED
        meetings.room_opened(meeting=meeting)
        assert meeting.state == MeetingState.LIVE
        assert meeting.ended_at is None
