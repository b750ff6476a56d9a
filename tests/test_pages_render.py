"""Every page, rendered by its real view: whole, in both languages, within the content policy."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts import tenancy
from accounts.models import User
from meetings.models import ChatMessage, Consent, MediaContent, MediaFile, Meeting, Recording, RecordingState
from tests.conftest import People
from transcripts.models import Revision, SpeakerTurn, Transcript, TranscriptState
from transcripts.services.indexing import transcript_index
from visio_portal.templatetags.timecodes import stage_name, timecode

SignIn = Callable[[User], Client]
INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*(\ssrc=|application/json))", re.IGNORECASE)
PAST_A_THOUSAND = 1234.5
"""A position that a localised template would write with a comma or a space."""


@pytest.fixture
def recording(meeting: Meeting, people: People) -> Recording:
    with tenancy.scope(people.ministry.id):
        row = Recording.objects.create(
            meeting=meeting,
            started_by=people.host,
            sealed_key=b"",
            state=RecordingState.READY,
            duration=1500.0,
        )
        for content, identity, name in (
            ("mix", "", ""),
            ("person", "user-1", "Hélène"),
            ("screen", "user-1", "Hélène"),
        ):
            MediaFile.objects.create(
                recording=row,
                content=MediaContent(content),
                identity=identity,
                name=name,
                path=f"{content}.webm",
                has_video=content != "mix",
                duration=1500.0,
                bytes=4096,
            )
        Consent.objects.create(recording=row, identity="user-1", name="Hélène")
        ChatMessage.objects.create(meeting=meeting, identity="user-1", name="Hélène", text="<img src=x>")
    return row


def transcribe(recording: Recording, state: TranscriptState, **fields: str) -> Transcript:
    with tenancy.scope(recording.ministry_id):
        row = Transcript.objects.create(recording=recording, language="en", state=state, **fields)
        if state == TranscriptState.READY:
            words = [
                {"text": "the", "start": PAST_A_THOUSAND, "end": 1234.7, "confidence": 0.9},
                {"text": "<archives>", "start": 1234.7, "end": 1235.25, "confidence": 0.9},
            ]
            SpeakerTurn.objects.create(
                revision=Revision.objects.create(transcript=row),
                position=0,
                identity="user-1",
                speaker="Hélène",
                start=PAST_A_THOUSAND,
                end=1235.25,
                text="the <archives>",
                words=words,
            )
            transcript_index(transcript=row)
    return row


def french(client: Client) -> Client:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "fr"
    return client


def page(client: Client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status
    return str(response.content.decode())


@pytest.fixture
def addresses(recording: Recording, meeting: Meeting) -> list[str]:
    transcribe(recording, TranscriptState.READY, quality="demo", engine="pocketsphinx")
    return [
        reverse("home"),
        reverse("meeting", args=[meeting.id]),
        reverse("meeting-delete", args=[meeting.id]),
        reverse("transcript", args=[recording.id]),
        reverse("search"),
        reverse("search") + "?q=archives",
        reverse("search") + "?q=zebra",
        reverse("account_change_password"),
        reverse("account_logout"),
        reverse("mfa_index"),
    ]


def test_every_page_keeps_to_the_content_policy(
    addresses: list[str], people: People, signed_in: SignIn
) -> None:
    client = signed_in(people.host)
    for address in addresses:
        assert not INLINE.search(page(client, address)), address


def test_every_page_has_one_title_one_main_and_its_language(
    addresses: list[str], people: People, signed_in: SignIn
) -> None:
    client = french(signed_in(people.host))
    for address in addresses:
        html = page(client, address)
        assert '<html lang="fr"' in html, address
        assert html.count("<h1") == html.count("<main") == 1, address
        assert "Ministère de la Culture" in html, address


def test_signed_out_pages_are_whole(db: None) -> None:
    html = page(Client(headers={"accept-language": "fr"}), reverse("account_login"))
    assert "Se connecter" in html
    assert "Invité de l’extérieur" in html
    assert not INLINE.search(html)


def test_times_of_words_are_numbers_in_every_language(
    recording: Recording, people: People, signed_in: SignIn
) -> None:
    transcribe(recording, TranscriptState.READY)
    html = page(french(signed_in(people.host)), reverse("transcript", args=[recording.id]) + "?t=1234.5")
    assert 'class="word" data-start="1234.5" data-end="1234.7"' in html
    assert "#t=1234.5" in html
    assert "20:34" in html


def test_a_position_that_is_no_number_does_not_reach_the_player(
    recording: Recording, people: People, signed_in: SignIn
) -> None:
    transcribe(recording, TranscriptState.READY)
    html = page(signed_in(people.host), reverse("transcript", args=[recording.id]) + '?t="><b>')
    assert '#t="' in html
    assert "<b>" not in html


def test_what_people_said_and_wrote_is_text(recording: Recording, people: People, signed_in: SignIn) -> None:
    transcribe(recording, TranscriptState.READY)
    client = signed_in(people.host)
    assert "&lt;archives&gt;" in page(client, reverse("transcript", args=[recording.id]))
    assert "&lt;img src=x&gt;" in page(client, reverse("meeting", args=[recording.meeting_id]))
    hits = page(client, reverse("search") + "?q=archives")
    assert "<mark>" in hits
    assert "<archives>" not in hits


def test_demo_quality_is_said(recording: Recording, people: People, signed_in: SignIn) -> None:
    transcribe(recording, TranscriptState.READY, quality="demo")
    client = signed_in(people.host)
    for address in (
        reverse("transcript", args=[recording.id]),
        reverse("meeting", args=[recording.meeting_id]),
    ):
        assert "Demo quality" in page(client, address)


@pytest.mark.parametrize("state", [TranscriptState.UNAVAILABLE, TranscriptState.FAILED])
def test_without_transcript_the_page_says_why_and_that_the_recording_is_kept(
    recording: Recording, people: People, signed_in: SignIn, state: TranscriptState
) -> None:
    transcribe(recording, state, reason="No installed recogniser understands French.")
    client = signed_in(people.host)
    for address in (
        reverse("transcript", args=[recording.id]),
        reverse("meeting", args=[recording.meeting_id]),
    ):
        html = page(client, address)
        assert "No installed recogniser understands French." in html
        assert "recording is kept" in html


def test_work_in_progress_can_be_followed(recording: Recording, people: People, signed_in: SignIn) -> None:
    transcribe(recording, TranscriptState.TRANSCRIBING)
    client = signed_in(people.host)
    for address in (
        reverse("transcript", args=[recording.id]),
        reverse("meeting", args=[recording.meeting_id]),
    ):
        html = page(client, address)
        assert f'data-progress="{reverse("meeting-progress", args=[recording.meeting_id])}"' in html
        assert 'data-transcript="transcribing"' in html


def test_a_meeting_without_content_for_this_person_says_so(
    recording: Recording, meeting: Meeting, people: People, signed_in: SignIn
) -> None:
    with tenancy.scope(people.ministry.id):
        Meeting.objects.filter(id=meeting.id).update(shares_content=False)
    html = page(signed_in(people.invitee), reverse("meeting", args=[meeting.id]))
    assert "You may not see this meeting’s recordings." in html
    assert "/files/" not in html


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500", "503"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_error_pages_need_neither_request_nor_database(name: str, language: str) -> None:
    with translation.override(language):
        html = render_to_string(f"{name}.html")
    assert f'<html lang="{language}"' in html
    assert not INLINE.search(html)


def test_an_unknown_address_is_answered_in_the_readers_language(db: None) -> None:
    html = page(Client(headers={"accept-language": "fr"}), "/nothing/here/", status=404)
    assert "Il n’y a rien ici pour vous" in html


def test_the_french_is_complete() -> None:
    catalogue = Path(settings.LOCALE_PATHS[0]) / "fr" / "LC_MESSAGES" / "django.po"
    entries = catalogue.read_text(encoding="utf-8").split("\n\n")[1:]
    assert len(entries) > 200
    empty = [entry for entry in entries if re.search(r'msgstr(\[\d\])? ""\s*(\nmsgstr|$)', entry)]
    assert empty == []
    assert not any("#, fuzzy" in entry for entry in entries)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0:00"), (9.99, "0:09"), (75.2, "1:15"), (3599.9, "59:59"), (3600, "1:00:00"), (None, "")],
)
def test_timecodes(seconds: float | None, written: str) -> None:
    assert timecode(seconds) == written


def test_stages_have_words_and_unknown_ones_are_shown_as_they_are() -> None:
    with translation.override("fr"):
        assert stage_name("mixing") == "Mixage du son de tout le monde"
        assert stage_name("polishing") == "polishing"
        assert stage_name("") == "En attente de son tour"
