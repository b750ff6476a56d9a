"""The archive's index in PostgreSQL: one table, its words in a ``tsvector`` with positions under a GIN index.

Stems come analysed, so nothing of PostgreSQL's own text search configurations is used. A row's words carry
its ministry as one more lexeme, so the inverted index itself confines a search to the ministry.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from transcripts.search.index import Cursor, Found, Passage
from transcripts.search.lexemes import Query

_CREATE = (
    """CREATE TABLE archive_passage (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        recording uuid NOT NULL,
        turn uuid NOT NULL,
        first_word integer NOT NULL,
        end_word integer NOT NULL,
        start double precision NOT NULL,
        held_at double precision NOT NULL,
        words tsvector NOT NULL
    )""",
    "CREATE INDEX archive_passage_recording ON archive_passage (recording)",
    # Without a list of pending entries, which every search would have to read through.
    "CREATE INDEX archive_passage_words ON archive_passage USING gin (words) WITH (fastupdate = off)",
)

_MATCHES = "FROM archive_passage WHERE words @@ %s::tsquery AND recording = ANY(%s)"
_OCCURRENCES = """(SELECT sum(cardinality(positions)) FROM unnest(words) AS word (lexeme, positions, weights)
    WHERE lexeme = ANY(%s))"""


class PostgresIndex:
    """See `transcripts.search.index.Index`."""

    def create(self, cursor: Cursor) -> None:
        """Makes the table and its indexes."""
        for statement in _CREATE:
            cursor.execute(statement)

    def drop(self, cursor: Cursor) -> None:
        """Drops the table."""
        cursor.execute("DROP TABLE archive_passage")

    def clear(self, cursor: Cursor) -> None:
        """Empties the table; searches go on meanwhile, which they would not beside a TRUNCATE."""
        cursor.execute("DELETE FROM archive_passage")

    def add(
        self, cursor: Cursor, *, ministry: UUID, recording: UUID, held_at: float, passages: Iterable[Passage]
    ) -> int:
        """See `Index`."""
        kept = 0
        for passage in passages:
            row = (passage.turn, passage.words.start, passage.words.stop, passage.start, held_at)
            cursor.execute(
                "INSERT INTO archive_passage (recording, turn, first_word, end_word, start, held_at, words)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s::tsvector)",
                (recording, *row, _vector(ministry, passage.stems)),
            )
            kept += 1
        return kept

    def remove(self, cursor: Cursor, *, recording: UUID) -> None:
        """See `Index`."""
        cursor.execute("DELETE FROM archive_passage WHERE recording = %s", (recording,))

    def count(self, cursor: Cursor, *, ministry: UUID, recordings: Sequence[UUID], query: Query) -> int:
        """See `Index`."""
        if not query or not recordings:
            return 0
        cursor.execute(f"SELECT count(*) {_MATCHES}", (_match(ministry, query), list(recordings)))
        return int(cursor.fetchall()[0][0])

    def find(
        self, cursor: Cursor, *, ministry: UUID, recordings: Sequence[UUID], query: Query, limit: int
    ) -> list[Found]:
        """See `Index`."""
        if not query or not recordings:
            return []
        cursor.execute(
            f"SELECT -({_OCCURRENCES} / %s), -held_at, start, turn, first_word, end_word {_MATCHES}"
            " ORDER BY 1, 2, 3, 4, 5 LIMIT %s",
            (
                sorted(query.stems),
                len(query.groups),
                _match(ministry, query),
                list(recordings),
                limit,
            ),
        )
        return [Found(float(rank), *rest) for rank, *rest in cursor.fetchall()]


def _vector(ministry: UUID, stems: Sequence[str]) -> str:
    """A tsvector as it is written (PostgreSQL §8.11.1): every stem with its places, and the ministry."""
    places: dict[str, list[str]] = defaultdict(list)
    for place, stem in enumerate(stems, 1):
        places[stem].append(str(place))
    return " ".join(
        [_token(ministry), *(f"{_quoted(stem)}:{','.join(found)}" for stem, found in places.items())]
    )


def _match(ministry: UUID, query: Query) -> str:
    """The query as a tsquery is written (PostgreSQL §8.11.2)."""
    parts = [_either(group) for group in query.groups]
    parts += [f"({' <-> '.join(map(_either, phrase))})" for phrase in query.phrases]
    return " & ".join([_token(ministry), *parts])


def _either(stems: Iterable[str]) -> str:
    return f"({' | '.join(map(_quoted, sorted(stems)))})"


def _token(ministry: UUID) -> str:
    """No stem looks like it: stems have no punctuation."""
    return f"'={ministry.hex}'"


def _quoted(stem: str) -> str:
    """So that no letter of a stem is read as an operator."""
    escaped = stem.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
