"""The archive's index in SQLite's FTS5: one table of words, one of what each row of words stands for.

A row of words carries its ministry as a token, so the inverted index itself confines a search to the ministry
(4–11 ms at 500,000 passages, measured). Stems come analysed; the tokenizer only splits them at spaces.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import product
from uuid import UUID

from transcripts.search.index import Cursor, Found, Passage
from transcripts.search.lexemes import Query

_CREATE = (
    """CREATE TABLE archive_passage (
        id INTEGER PRIMARY KEY,
        recording TEXT NOT NULL,
        turn TEXT NOT NULL,
        first_word INTEGER NOT NULL,
        end_word INTEGER NOT NULL,
        start REAL NOT NULL,
        held_at REAL NOT NULL
    )""",
    "CREATE INDEX archive_passage_recording ON archive_passage (recording)",
    """CREATE VIRTUAL TABLE archive_words USING fts5 (
        ministry, stems, tokenize = "unicode61 remove_diacritics 0"
    )""",
)

# A word has a stem per language, so a phrase of n words is one of up to 2ⁿ rows of stems: a longer phrase is
# asked for as its parts of so many words.
_WINDOW = 5

# How often one stem stands among a row's stems, each of which has a space of its own on either side.
_APART = "' ' || replace(stems, ' ', '  ') || ' '"
_OCCURRENCES = f"(length({_APART}) - length(replace({_APART}, %s, ''))) / length(%s)"
_MATCHES = """FROM archive_words JOIN archive_passage AS passage ON passage.id = archive_words.rowid
    WHERE archive_words MATCH %s AND passage.recording IN (SELECT value FROM json_each(%s))"""


class SqliteIndex:
    """See `transcripts.search.index.Index`."""

    def create(self, cursor: Cursor) -> None:
        """Makes both tables."""
        for statement in _CREATE:
            cursor.execute(statement)

    def drop(self, cursor: Cursor) -> None:
        """Drops both tables."""
        cursor.execute("DROP TABLE archive_words")
        cursor.execute("DROP TABLE archive_passage")

    def clear(self, cursor: Cursor) -> None:
        """Empties both tables."""
        cursor.execute("DELETE FROM archive_words")
        cursor.execute("DELETE FROM archive_passage")

    def add(
        self, cursor: Cursor, *, ministry: UUID, recording: UUID, held_at: float, passages: Iterable[Passage]
    ) -> int:
        """Both rows of a passage share their key."""
        cursor.execute("SELECT coalesce(max(id), 0) FROM archive_passage")
        key = first = int(cursor.fetchall()[0][0])
        for key, passage in enumerate(passages, first + 1):
            row = (passage.words.start, passage.words.stop, passage.start, held_at)
            cursor.execute(
                "INSERT INTO archive_passage (id, recording, turn, first_word, end_word, start, held_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (key, recording.hex, passage.turn.hex, *row),
            )
            cursor.execute(
                "INSERT INTO archive_words (rowid, ministry, stems) VALUES (%s, %s, %s)",
                (key, ministry.hex, " ".join(passage.stems)),
            )
        return key - first

    def remove(self, cursor: Cursor, *, recording: UUID) -> None:
        """The words first: they are found through the other table."""
        mine = "SELECT id FROM archive_passage WHERE recording = %s"
        cursor.execute(f"DELETE FROM archive_words WHERE rowid IN ({mine})", (recording.hex,))
        cursor.execute("DELETE FROM archive_passage WHERE recording = %s", (recording.hex,))

    def count(self, cursor: Cursor, *, ministry: UUID, recordings: Sequence[UUID], query: Query) -> int:
        """See `Index`."""
        if not query or not recordings:
            return 0
        cursor.execute(f"SELECT count(*) {_MATCHES}", (_match(ministry, query), _listed(recordings)))
        return int(cursor.fetchall()[0][0])

    def find(
        self, cursor: Cursor, *, ministry: UUID, recordings: Sequence[UUID], query: Query, limit: int
    ) -> list[Found]:
        """See `Index`."""
        if not query or not recordings:
            return []
        sought = [f" {stem} " for stem in sorted(query.stems)]
        rank = f"-(({' + '.join([_OCCURRENCES] * len(sought))}) / %s)"
        cursor.execute(
            f"SELECT {rank}, -held_at, start, turn, first_word, end_word {_MATCHES}"
            " ORDER BY 1, 2, 3, 4, 5 LIMIT %s",
            (
                *(stem for stem in sought for _ in range(2)),
                len(query.groups),
                _match(ministry, query),
                _listed(recordings),
                limit,
            ),
        )
        return [
            Found(float(rank), age, start, UUID(turn), first, end)
            for rank, age, start, turn, first, end in cursor.fetchall()
        ]


def _listed(recordings: Sequence[UUID]) -> str:
    """As one parameter: SQLite bounds the number of parameters, not the length of one."""
    return json.dumps([recording.hex for recording in recordings])


def _match(ministry: UUID, query: Query) -> str:
    """The query in FTS5's language (sqlite.org/fts5.html §3)."""
    parts = [_either([stem] for stem in sorted(group)) for group in query.groups]
    parts += [
        _either(product(*map(sorted, phrase[at : at + _WINDOW])))
        for phrase in query.phrases
        for at in range(max(1, len(phrase) - _WINDOW + 1))
    ]
    return f'ministry : "{ministry.hex}" AND stems : ({" AND ".join(parts)})'


def _either(rows: Iterable[Sequence[str]]) -> str:
    """One of several rows of stems. Quoted, so that no letter of a stem is read as an operator."""
    quoted = ('"' + " ".join(row).replace('"', '""') + '"' for row in rows)
    return f"({' OR '.join(quoted)})"
