"""Keeps the archive's index in step with the transcripts; it is derived from them and can be made anew."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from django.db import connection, transaction

from accounts import tenancy
from transcripts import selectors
from transcripts.models import SpeakerTurn, Transcript
from transcripts.search.index import Index, Passage
from transcripts.search.indexes import BY_VENDOR
from transcripts.search.lexemes import lexemes
from transcripts.search.passages import passages


def index() -> Index:
    """The index of the database that is in use."""
    return BY_VENDOR[connection.vendor]


@transaction.atomic
def transcript_index(*, transcript: Transcript) -> int:
    """Makes the transcript's newest revision the one that is found; gives the number of its passages."""
    recording = transcript.recording
    revision = selectors.newest_revision(transcript)
    rows = _passages(revision.turns.all(), transcript.language) if revision else ()
    with connection.cursor() as cursor:
        index().remove(cursor, recording=recording.id)
        return index().add(
            cursor,
            ministry=recording.ministry_id,
            recording=recording.id,
            held_at=recording.started_at.timestamp(),
            passages=rows,
        )


def _passages(turns: Iterable[SpeakerTurn], language: str) -> Iterator[Passage]:
    for turn in turns:
        words = turn.words
        for part in passages([(word["start"], word["end"]) for word in words]):
            text = " ".join(word["text"] for word in words[part.start : part.stop])
            stems = tuple(lexeme.stem for lexeme in lexemes(text, language))
            yield Passage(turn.id, part, words[part.start]["start"], stems)


@transaction.atomic
def recording_forget(*, recording_id: UUID) -> None:
    """Nothing said in this recording is found any more."""
    with connection.cursor() as cursor:
        index().remove(cursor, recording=recording_id)


@transaction.atomic
def index_rebuild() -> int:
    """Makes the whole index anew; gives the number of passages. Searches see the old one until it is done."""
    with tenancy.across("the index holds the transcripts of every ministry"):
        with connection.cursor() as cursor:
            index().clear(cursor)
        rows = Transcript.objects.select_related("recording").order_by("recording__started_at")
        return sum(transcript_index(transcript=transcript) for transcript in rows)
