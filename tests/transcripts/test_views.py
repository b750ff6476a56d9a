"""Pages of transcripts and of the search, over HTTP, as different people."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import tenancy
from accounts.models import User
from meetings import jobs
from meetings.models import Job, MediaFile, Meeting, Recording
from meetings.selectors import Viewer
from meetings.services.admission import admit
from meetings.services.attendance import participant_joined
from tests.conftest import People
from tests.transcripts.builders import recording_of, transcript_of
from transcripts.models import Transcript

SignedIn = Callable[[User], Client]


@pytest.fixture
def recording(people: People, meeting: Meeting) -> Recording:
    return recording_of(meeting, people.host, seconds=200.0)


@pytest.fixture
def transcript(recording: Recording) -> Transcript:
    turns = [
        ("Hélène", 2.0, "the first point is the <b>budget</b>"),
        ("Ivan", 20.0, "before that the trains"),
        ("Hélène", 40.0, "no trains today"),
    ]
    return transcript_of(recording, turns)


def _page(recording: Recording) -> str:
    return reverse("transcript", args=[recording.id])


def test_the_invited_read_who_said_what(
    people: People, recording: Recording, transcript: Transcript, signed_in: SignedIn
) -> None:
    with tenancy.scope(recording.ministry_id):
        rows = [{"identity": "", "path": "mix"}, {"identity": "user-Ivan", "name": "Ivan", "path": "ivan"}]
        for row in rows:
            MediaFile.objects.create(recording=recording, duration=200.0, bytes=1, **row)
    response = signed_in(people.invitee).get(_page(recording))
    assert response.status_code == 200
    context = response.context
    assert [(turn.speaker, turn.colour) for turn in context["turns"]] == [
        ("Hélène", 0),
        ("Ivan", 1),
        ("Hélène", 0),
    ]
    assert context["mix"].path == "mix"
    assert [file.name for file in context["speakers"]] == ["Ivan"]
    assert (context["meeting"].title, context["stage"], context["percent"]) == ("Budget meeting", "", None)
    assert "<b>budget" not in response.content.decode()


@pytest.mark.parametrize("outsider", ["colleague", "admin", "auditor", "stranger"])
def test_for_whoever_was_not_invited_it_does_not_exist(
    people: People, recording: Recording, transcript: Transcript, signed_in: SignedIn, outsider: str
) -> None:
    assert signed_in(getattr(people, outsider)).get(_page(recording)).status_code == 404
    assert signed_in(people.host).get(_page(recording)).status_code == 200


def test_content_that_is_not_shared_is_the_hosts_alone(
    people: People, meeting: Meeting, recording: Recording, transcript: Transcript, signed_in: SignedIn
) -> None:
    Meeting._base_manager.filter(id=meeting.id).update(shares_content=False)
    assert signed_in(people.invitee).get(_page(recording)).status_code == 404
    assert signed_in(people.host).get(_page(recording)).status_code == 200


def test_somebody_of_another_ministry_who_was_in_the_room_reads_it(
    people: People, meeting: Meeting, recording: Recording, transcript: Transcript, signed_in: SignedIn
) -> None:
    Meeting._base_manager.filter(id=meeting.id).update(access="link")
    meeting.refresh_from_db()
    admitted, _ = admit(meeting=meeting, viewer=Viewer(user=people.stranger))
    assert signed_in(people.stranger).get(_page(recording)).status_code == 404, "not by the link alone"
    with tenancy.scope(meeting.ministry_id):
        participant_joined(
            meeting=meeting, identity=admitted.identity, name="Sam", sid="PA_1", at=timezone.now()
        )
    response = signed_in(people.stranger).get(_page(recording))
    assert response.status_code == 200
    assert len(response.context["turns"]) == 3


def test_guests_and_visitors_are_asked_to_sign_in(recording: Recording, transcript: Transcript) -> None:
    for page in (_page(recording), reverse("search") + "?q=budget"):
        response = Client().get(page)
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_login"))


def test_an_unknown_recording_is_not_found(people: People, signed_in: SignedIn) -> None:
    assert signed_in(people.host).get(reverse("transcript", args=[uuid4()])).status_code == 404


def test_pages_only_answer_reading(people: People, recording: Recording, signed_in: SignedIn) -> None:
    client = signed_in(people.host)
    assert [client.post(page).status_code for page in (_page(recording), reverse("search"))] == [405, 405]


def test_before_there_is_a_transcript_the_page_tells_how_far_it_is(
    people: People, recording: Recording, signed_in: SignedIn
) -> None:
    with tenancy.scope(recording.ministry_id):
        job = jobs.enqueue(jobs.TRANSCRIBE, recording.id)
        Job.objects.filter(id=job.id).update(state="running", stage="transcribing", progress=0.42)
    context = signed_in(people.host).get(_page(recording)).context
    assert (context["transcript"], context["turns"]) == (None, [])
    assert (context["stage"], context["percent"]) == ("transcribing", 42)


def test_a_missing_engine_is_shown_with_what_to_install(
    people: People, recording: Recording, signed_in: SignedIn
) -> None:
    with tenancy.scope(recording.ministry_id):
        Transcript.objects.create(
            recording=recording,
            language="fr",
            state="unavailable",
            reason="No installed recogniser understands French.\nfaster_whisper: no model",
        )
    content = signed_in(people.host).get(_page(recording)).content.decode()
    assert "No installed recogniser understands French." in content
    assert "faster_whisper: no model" in content


def test_a_search_shows_passages_that_lead_to_their_moment(
    people: People, recording: Recording, transcript: Transcript, signed_in: SignedIn
) -> None:
    response = signed_in(people.invitee).get(reverse("search"), {"q": " trains "})
    assert response.status_code == 200
    assert (response.context["query"], response.context["searched"], response.context["count"]) == (
        "trains",
        True,
        2,
    )
    assert {hit.speaker for hit in response.context["hits"]} == {"Ivan", "Hélène"}
    assert f"{_page(recording)}?t=" in response.content.decode()
    assert "<mark>trains</mark>" in response.content.decode()


def test_what_was_said_cannot_write_into_the_page(
    people: People, recording: Recording, transcript: Transcript, signed_in: SignedIn
) -> None:
    content = signed_in(people.host).get(reverse("search"), {"q": "budget <script>"}).content.decode()
    assert "<script>" not in content
    content = signed_in(people.host).get(reverse("search"), {"q": "budget"}).content.decode()
    assert "&lt;b&gt;" in content
    assert "<b>" not in content


@pytest.mark.parametrize("outsider", ["colleague", "admin", "auditor", "stranger"])
def test_a_search_by_whoever_was_not_invited_is_empty(
    people: People, transcript: Transcript, signed_in: SignedIn, outsider: str
) -> None:
    response = signed_in(getattr(people, outsider)).get(reverse("search"), {"q": "trains"})
    assert (response.status_code, response.context["count"], response.context["hits"]) == (200, 0, [])
    assert "Ivan" not in response.content.decode()


def test_nothing_is_searched_before_words_are_given(people: People, signed_in: SignedIn) -> None:
    context = signed_in(people.host).get(reverse("search"), {"q": "  "}).context
    assert (context["searched"], context["count"], context["hits"]) == (False, 0, [])


def test_hits_come_in_pages(people: People, recording: Recording, signed_in: SignedIn) -> None:
    transcript_of(recording, [("Ivan", float(at), f"trains number{at}") for at in range(45)])
    client = signed_in(people.host)
    pages = [client.get(reverse("search"), {"q": "trains", "page": page}).context for page in (1, 2, 3)]
    starts = [hit.start for page in pages for hit in page["hits"]]
    assert [len(page["hits"]) for page in pages] == [20, 20, 5]
    assert sorted(starts) == [float(at) for at in range(45)]
    assert client.get(reverse("search"), {"q": "trains", "page": "x9"}).context["page_obj"].number == 1


def test_operators_see_states_and_no_words(
    people: People, recording: Recording, transcript: Transcript, signed_in: SignedIn
) -> None:
    User.objects.filter(id=people.stranger.id).update(is_staff=True, is_superuser=True)
    people.stranger.refresh_from_db()
    client = signed_in(people.stranger)
    listed = client.get(reverse("admin:transcripts_transcript_changelist"))
    shown = client.get(reverse("admin:transcripts_transcript_change", args=[transcript.id]))
    assert (listed.status_code, shown.status_code) == (200, 200)
    for response in (listed, shown):
        assert "pocketsphinx" in response.content.decode()
        assert "trains" not in response.content.decode()
    assert (
        client.post(reverse("admin:transcripts_transcript_delete", args=[transcript.id])).status_code == 403
    )
