"""Commands for scripts: one JSON object on standard output, or a failure that says why."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts import tenancy
from meetings.models import Meeting, Recording
from tests.conftest import People
from tests.transcripts.builders import recording_of, transcript_of
from transcripts.models import Transcript


def _output(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def _json(*args: str) -> dict[str, Any]:
    answer = json.loads(_output(*args, "--json"))
    assert isinstance(answer, dict)
    return answer


@pytest.fixture
def recording(people: People, meeting: Meeting) -> Recording:
    return recording_of(meeting, people.host)


def test_a_transcript_is_printed_with_every_word(meeting: Meeting, recording: Recording) -> None:
    transcript_of(recording, [("Hélène", 2.0, "good morning"), ("Ivan", 61.0, "the trains")])
    answer = _json("transcript", str(meeting.id))
    assert answer == _json("transcript", meeting.code)
    assert (answer["state"], answer["engine"]) == ("ready", "pocketsphinx")
    assert answer["turns"][0] == {
        "speaker": "Hélène",
        "start": 2.0,
        "end": 2.9,
        "text": "good morning",
        "words": [
            {"text": "good", "start": 2.0, "end": 2.4},
            {"text": "morning", "start": 2.5, "end": 2.9},
        ],
    }
    assert _output("transcript", meeting.code).splitlines() == [
        "[ready, pocketsphinx]",
        "00:02 Hélène: good morning",
        "01:01 Ivan: the trains",
    ]


@pytest.mark.parametrize(
    ("recording_state", "answered"),
    [
        ("running", "recording"),
        ("stopping", "recording"),
        ("processing", "processing"),
        ("ready", "waiting"),
        ("failed", "failed"),
    ],
)
def test_before_there_is_a_transcript_the_state_is_the_recordings(
    meeting: Meeting, recording: Recording, recording_state: str, answered: str
) -> None:
    with tenancy.scope(meeting.ministry_id):
        Recording.objects.filter(id=recording.id).update(state=recording_state, error="Disk full.")
    answer = _json("transcript", meeting.code)
    assert (answer["state"], answer["turns"], answer["engine"]) == (answered, [], "")
    assert answer["reason"] == "Disk full."


def test_a_meeting_that_was_not_recorded_has_none(meeting: Meeting) -> None:
    assert _json("transcript", meeting.code)["state"] == "none"


def test_the_newest_recording_is_the_one_that_counts(
    people: People, meeting: Meeting, recording: Recording
) -> None:
    transcript_of(recording, [("Ivan", 0.0, "new")])
    older = recording_of(meeting, people.host, ago=timedelta(days=2))
    transcript_of(older, [("Ivan", 0.0, "old")])
    assert [turn["text"] for turn in _json("transcript", meeting.code)["turns"]] == ["new"]


def test_why_there_is_no_transcript_is_printed(meeting: Meeting, recording: Recording) -> None:
    with tenancy.scope(meeting.ministry_id):
        Transcript.objects.create(
            recording=recording, language="fr", state="unavailable", reason="No engine."
        )
    assert _json("transcript", meeting.code)["reason"] == "No engine."
    assert _output("transcript", meeting.code).splitlines() == ["[unavailable]", "No engine."]


def test_a_search_answers_with_one_persons_eyes(
    people: People, meeting: Meeting, recording: Recording
) -> None:
    transcript_of(recording, [("Ivan", 10.0, "the trains"), ("Hélène", 20.0, "no trains")])
    hits = _json("archive_search", "trains", "--as", people.invitee.email)["hits"]
    assert {hit["speaker"]: hit for hit in hits}["Ivan"] == {
        "meeting": str(meeting.id),
        "title": "Budget meeting",
        "speaker": "Ivan",
        "start": 10.5,
        "passage": "the trains",
    }
    assert len(hits) == 2
    assert len(_json("archive_search", "trains", "--as", people.invitee.email, "--limit", "1")["hits"]) == 1
    assert "Budget meeting · Ivan · 10.5 s: the trains" in _output(
        "archive_search", "trains", "--as", people.host.email
    )
    for outsider in (people.colleague, people.stranger, people.admin, people.auditor):
        assert _json("archive_search", "trains", "--as", outsider.email) == {"hits": []}


@pytest.mark.parametrize(
    "command",
    [
        ["transcript", "abc-defg-hjk"],
        ["transcript", "nonsense"],
        ["archive_search", "trains", "--as", "nobody@culture.example"],
        ["archive_search", "trains"],
    ],
)
def test_what_cannot_be_answered_fails_with_a_sentence(people: People, command: list[str]) -> None:
    with pytest.raises(CommandError, match=r"\w+ \w+"):
        _output(*command, "--json")


def test_the_index_is_made_anew(people: People, recording: Recording) -> None:
    transcript_of(recording, [("Ivan", 10.0, "the trains")])
    assert _json("rebuild_index") == {"passages": 1}
    assert len(_json("archive_search", "trains", "--as", people.host.email)["hits"]) == 1
