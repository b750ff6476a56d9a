"""Finds what was said, in the meetings whose content a person may see, and nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from heapq import merge
from itertools import islice
from uuid import UUID

from django.db import connection
from django.urls import reverse

from accounts import tenancy
from accounts.models import SpokenLanguage, User
from transcripts import selectors
from transcripts.models import SpeakerTurn
from transcripts.search.excerpt import excerpt
from transcripts.search.index import Found
from transcripts.search.lexemes import Query, query_lexemes
from transcripts.services.indexing import index

LONGEST_QUERY = 200
"""Characters; what goes beyond is not looked for."""


@dataclass(frozen=True)
class Hit:
    """One passage that answers a search."""

    meeting_id: UUID
    meeting_title: str
    held_at: datetime
    recording_id: UUID
    speaker: str
    start: float
    """Seconds from the recording's start to the first word that was asked for."""
    passage: tuple[tuple[str, bool], ...]
    """The words around it, in pieces: text, and whether it is to be marked."""

    @property
    def url(self) -> str:
        """The transcript's page, playing from there."""
        # A breath earlier: a word is better understood with what leads to it.
        return reverse("transcript", args=[self.recording_id]) + f"?t={max(0.0, self.start - 0.5):.1f}"

    @property
    def text(self) -> str:
        """The passage without marks."""
        return "".join(piece for piece, _ in self.passage)


class Answers(Sequence[Hit]):
    """All hits of one search, best first, fetched as they are looked at; a list to a paginator.

    The person's rights are read when the search is made, and bind in the index before anything is limited.
    One query goes to each ministry whose meetings the person may see; the answers are merged.
    """

    def __init__(self, *, user: User, text: str) -> None:
        self.query: Query = query_lexemes(text[:LONGEST_QUERY], SpokenLanguage.values)
        self._readable = selectors.searchable_recordings(user) if self.query else {}

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _count(self) -> int:
        with connection.cursor() as cursor:
            return sum(
                index().count(cursor, ministry=ministry, recordings=recordings, query=self.query)
                for ministry, recordings in self._readable.items()
            )

    def __getitem__(self, wanted):  # type: ignore[no-untyped-def]  # overloads would say no more
        if isinstance(wanted, slice):
            start, stop, _ = wanted.indices(len(self))
            return _hits(self._found(start, stop), self.query)
        return self[wanted : wanted + 1][0]

    def _found(self, start: int, stop: int) -> list[Found]:
        with connection.cursor() as cursor:
            answers = [
                index().find(cursor, ministry=ministry, recordings=recordings, query=self.query, limit=stop)
                for ministry, recordings in self._readable.items()
            ]
        return list(islice(merge(*answers), start, stop))


def _hits(found: Sequence[Found], query: Query) -> list[Hit]:
    """The passages with their words. One whose turn went in this moment is left out."""
    with tenancy.across("the index has confined these turns to recordings that the person may see"):
        rows = SpeakerTurn.objects.select_related("revision__transcript__recording__meeting")
        turns = rows.in_bulk([answer.turn for answer in found])
    return [_hit(answer, turns[answer.turn], query) for answer in found if answer.turn in turns]


def _hit(answer: Found, turn: SpeakerTurn, query: Query) -> Hit:
    transcript = turn.revision.transcript
    words = [word["text"] for word in turn.words]
    shown = excerpt(words, range(answer.first_word, answer.end_word), query, transcript.language)
    return Hit(
        meeting_id=transcript.recording.meeting_id,
        meeting_title=transcript.recording.meeting.title,
        held_at=transcript.recording.started_at,
        recording_id=transcript.recording_id,
        speaker=turn.speaker,
        start=turn.words[shown.first]["start"],
        passage=shown.pieces,
    )
