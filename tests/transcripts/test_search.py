"""The archive through one person's eyes."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from accounts import tenancy
from accounts.models import User
from meetings.models import Invitation, Meeting, Recording
from meetings.selectors import Viewer, standing
from meetings.services import storage
from meetings.services.deletion import meeting_delete
from meetings.services.meeting import meeting_start
from tests.conftest import People
from tests.transcripts.builders import recording_of, transcript_of
from transcripts.models import SpeakerTurn, Transcript
from transcripts.services import indexing
from transcripts.services.search import Answers, Hit


@pytest.fixture
def recording(people: People, meeting: Meeting) -> Recording:
    """Hélène speaks of the budget, Ivan of trains."""
    made = recording_of(meeting, people.host, seconds=200.0)
    turns = [
        ("Hélène", 2.0, "good morning the first point is the budget for next year"),
        ("Ivan", 180.0, "before that I want to speak about the night trains"),
    ]
    transcript_of(made, turns)
    return made


def _hits(user: User, text: str) -> list[Hit]:
    answers = Answers(user=user, text=text)
    hits = answers[:]
    assert len(hits) == len(answers)
    return hits


def test_a_word_is_found_with_its_speaker_and_the_moment_it_was_said(
    people: People, meeting: Meeting, recording: Recording
) -> None:
    (hit,) = _hits(people.invitee, "trains")
    assert (hit.speaker, hit.meeting_title, hit.meeting_id) == ("Ivan", "Budget meeting", meeting.id)
    assert hit.recording_id == recording.id
    assert hit.start == 184.5
    assert hit.url == f"/recordings/{recording.id}/transcript/?t=184.0"
    assert [text for text, marked in hit.passage if marked] == ["trains"]
    assert hit.text == "before that I want to speak about the night trains"


def test_all_words_must_have_been_said_together(people: People, recording: Recording) -> None:
    assert _hits(people.host, "budget trains") == []
    assert len(_hits(people.host, "budget year")) == 1


@pytest.mark.parametrize("outsider", ["colleague", "admin", "auditor", "stranger"])
def test_whoever_was_not_invited_finds_nothing(people: People, recording: Recording, outsider: str) -> None:
    assert _hits(getattr(people, outsider), "budget") == []
    assert len(_hits(people.host, "budget")) == 1


def test_content_that_is_not_shared_is_found_by_the_host_alone(
    people: People, meeting: Meeting, recording: Recording
) -> None:
    Meeting._base_manager.filter(id=meeting.id).update(shares_content=False)
    assert _hits(people.invitee, "budget") == []
    assert len(_hits(people.host, "budget")) == 1


def test_a_revoked_invitation_finds_nothing(people: People, meeting: Meeting, recording: Recording) -> None:
    Invitation._base_manager.filter(meeting=meeting, user=people.invitee).update(revoked_at=timezone.now())
    assert _hits(people.invitee, "budget") == []


def test_answers_of_several_ministries_are_merged_newest_first(
    people: People, meeting: Meeting, recording: Recording
) -> None:
    with tenancy.scope(people.ministry.id):
        Invitation.objects.create(meeting=meeting, user=people.stranger)
    own = meeting_start(
        host=people.stranger, ministry=people.other_ministry, title="Rivers", spoken_language="en"
    )
    newer = recording_of(own, people.stranger, ago=timedelta(minutes=5))
    transcript_of(newer, [("Sam", 0.0, "good morning the first point is the budget for rivers")])
    assert [hit.meeting_title for hit in _hits(people.stranger, "budget")] == ["Rivers", "Budget meeting"]
    assert [hit.meeting_title for hit in Answers(user=people.stranger, text="budget")[1:2]] == [
        "Budget meeting"
    ]
    assert [hit.meeting_title for hit in _hits(people.host, "budget")] == ["Budget meeting"]


def test_pages_do_not_overlap_and_miss_nothing(people: People, meeting: Meeting) -> None:
    recording = recording_of(meeting, people.host)
    transcript_of(recording, [("Ivan", float(at), f"budget number{at}") for at in range(25)])
    answers = Answers(user=people.host, text="budget")
    starts = [hit.start for page in (answers[:10], answers[10:20], answers[20:30]) for hit in page]
    assert len(answers) == 25
    assert sorted(starts) == [float(at) for at in range(25)]
    assert answers[3].start == starts[3]


def test_a_word_late_in_a_long_turn_plays_from_where_it_was_said(people: People, meeting: Meeting) -> None:
    words = [f"word{at}" for at in range(400)]
    words[361] = "locomotive"
    recording = recording_of(meeting, people.host, seconds=300.0)
    transcript_of(recording, [("Hélène", 0.0, " ".join(words))])
    (hit,) = _hits(people.host, "locomotive word360")
    assert hit.start == 180.0
    assert len(hit.text.split()) <= 32
    assert "locomotive" in hit.text
    assert _hits(people.host, "locomotive word10") == []


def test_a_french_meeting_is_found_without_accents(people: People) -> None:
    meeting = meeting_start(host=people.host, ministry=people.ministry, title="Budget", spoken_language="fr")
    recording = recording_of(meeting, people.host)
    transcript_of(recording, [("Hélène", 1.0, "nous préparons l'été prochain")], language="fr")
    (hit,) = _hits(people.host, "PREPARONS")
    assert [text for text, marked in hit.passage if marked] == ["préparons"]


def test_a_deleted_meeting_leaves_nothing_to_be_found(
    people: People, meeting: Meeting, recording: Recording
) -> None:
    with tenancy.scope(meeting.ministry_id):
        meeting_delete(meeting=meeting, by=standing(meeting, Viewer(user=people.host)))
    assert _hits(people.host, "budget") == []
    assert not _in_index(recording)
    assert not SpeakerTurn._base_manager.exists()
    assert not storage.recording_folder(recording).exists()


def test_a_deleted_transcript_leaves_the_index(people: People, recording: Recording) -> None:
    assert _in_index(recording)
    with tenancy.scope(recording.ministry_id):
        Transcript.objects.filter(recording=recording).delete()
    assert not _in_index(recording)


def test_a_passage_whose_turn_is_gone_is_not_shown(people: People, recording: Recording) -> None:
    SpeakerTurn._base_manager.filter(speaker="Ivan").delete()
    assert Answers(user=people.host, text="trains")[:] == []


def test_the_index_can_be_made_anew(people: People, recording: Recording) -> None:
    before = [(hit.start, hit.text) for hit in _hits(people.host, "budget")]
    with tenancy.scope(recording.ministry_id):
        indexing.recording_forget(recording_id=recording.id)
    assert _hits(people.host, "budget") == []
    assert indexing.index_rebuild() == 2
    assert [(hit.start, hit.text) for hit in _hits(people.host, "budget")] == before != []


def _in_index(recording: Recording) -> bool:
    """Whether any of the index's tables holds anything; the tests have one recording."""
    counts = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM archive_passage WHERE recording = %s", [_as_kept(recording.id)])
        counts.append(cursor.fetchall()[0][0])
        if connection.vendor == "sqlite":
            cursor.execute("SELECT count(*) FROM archive_words")
            counts.append(cursor.fetchall()[0][0])
    assert bool(counts[0]) == bool(counts[-1])
    return bool(counts[0])


def _as_kept(key: UUID) -> UUID | str:
    return key if connection.vendor == "postgresql" else key.hex
