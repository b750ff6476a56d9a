"""The index in SQLite, against the database itself."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.search.index import Found, Passage
from transcripts.search.index_sqlite import SqliteIndex
from transcripts.search.lexemes import lexemes, query_lexemes

INDEX = SqliteIndex()
MINISTRY, OTHER = uuid4(), uuid4()


class FormatCursor:
    """A cursor of Python's sqlite3 that takes ``%s`` for a placeholder, as Django's does."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._cursor = connection.cursor()

    def execute(self, sql: str, params: Sequence[Any] = ()) -> None:
        self._cursor.execute(sql.replace("%s", "?"), params)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._cursor.fetchall()


@pytest.fixture
def cursor() -> Iterator[FormatCursor]:
    connection = sqlite3.connect(":memory:")
    cursor = FormatCursor(connection)
    INDEX.create(cursor)
    yield cursor
    connection.close()


def _passage(text: str, language: str = "en", start: float = 0.0) -> Passage:
    stems = tuple(lexeme.stem for lexeme in lexemes(text, language))
    return Passage(uuid4(), range(len(text.split())), start, stems)


def _say(
    cursor: FormatCursor, *texts: str, ministry: UUID = MINISTRY, held_at: float = 0.0, **kwargs: Any
) -> UUID:
    recording = uuid4()
    passages = [_passage(text, start=float(at), **kwargs) for at, text in enumerate(texts)]
    assert INDEX.add(
        cursor, ministry=ministry, recording=recording, held_at=held_at, passages=passages
    ) == len(texts)
    return recording


def _find(
    cursor: FormatCursor, text: str, recordings: Sequence[UUID], ministry: UUID = MINISTRY, limit: int = 10
) -> list[Found]:
    query = query_lexemes(text, ["fr", "en"])
    found = INDEX.find(cursor, ministry=ministry, recordings=recordings, query=query, limit=limit)
    count = INDEX.count(cursor, ministry=ministry, recordings=recordings, query=query)
    assert len(found) == min(limit, count)
    return found


@pytest.mark.parametrize(
    ("query", "starts"),
    [
        ("budget", {0.0, 1.0}),
        ("BUDGETS", {0.0, 1.0}),
        ("climate budget", {0.0, 1.0}),
        ("climate trains", set()),
        ("“climate budget”", {1.0}),
        ("“budget climate”", {0.0}),  # words that carry no meaning may stand between
        ("“year climate”", set()),
        ("the trains", {2.0}),
        ("of the", set()),
        ("", set()),
    ],
)
def test_all_words_must_occur_and_quoted_words_as_they_stand(
    cursor: FormatCursor, query: str, starts: set[float]
) -> None:
    recording = _say(cursor, "a budget for the climate", "the climate budget of the year", "the trains")
    assert {found.start for found in _find(cursor, query, [recording])} == starts


@pytest.mark.parametrize("query", ["reunions", "réunion", "RÉUNION", "été réunions"])
def test_french_is_found_whatever_its_accents(cursor: FormatCursor, query: str) -> None:
    recording = _say(cursor, "les réunions de printemps", language="fr")
    assert len(_find(cursor, query, [recording])) == 1


def test_a_long_phrase_is_found_word_for_word(cursor: FormatCursor) -> None:
    text = "seven quick foxes jumped over nineteen sleeping dogs beside green rivers yesterday"
    recording = _say(cursor, text, " ".join(reversed(text.split())))
    assert [found.start for found in _find(cursor, f'"{text}"', [recording])] == [0.0]


def test_another_ministry_finds_nothing_even_with_the_recordings_key(cursor: FormatCursor) -> None:
    recording = _say(cursor, "budget")
    assert _find(cursor, "budget", [recording], ministry=OTHER) == []
    assert len(_find(cursor, "budget", [recording])) == 1


def test_permission_binds_before_the_limit(cursor: FormatCursor) -> None:
    mine = _say(cursor, "a budget was named in this long passage of words", held_at=0.0)
    for newer in range(50):
        _say(cursor, "budget budget", held_at=float(newer + 1))
    assert [found.start for found in _find(cursor, "budget", [mine], limit=1)] == [0.0]
    assert _find(cursor, "budget", []) == []


def test_equally_good_answers_come_newest_first_and_in_order_of_time(cursor: FormatCursor) -> None:
    old = _say(cursor, "budget one", "budget two", held_at=100.0)
    new = _say(cursor, "budget three", held_at=200.0)
    found = _find(cursor, "budget", [old, new])
    assert [(-answer.age, answer.start) for answer in found] == [(200.0, 0.0), (100.0, 0.0), (100.0, 1.0)]
    assert found == sorted(found)
    assert _find(cursor, "budget", [old, new], limit=2) == found[:2]


def test_what_is_removed_is_found_no_more_and_the_rest_is(cursor: FormatCursor) -> None:
    gone, kept = _say(cursor, "budget", "budget"), _say(cursor, "budget")
    INDEX.remove(cursor, recording=gone)
    assert len(_find(cursor, "budget", [gone, kept])) == 1
    cursor.execute("SELECT count(*) FROM archive_words")
    assert cursor.fetchall() == [(1,)]
    INDEX.clear(cursor)
    assert _find(cursor, "budget", [gone, kept]) == []
    INDEX.drop(cursor)
    cursor.execute("SELECT count(*) FROM sqlite_master WHERE name LIKE 'archive%'")
    assert cursor.fetchall() == [(0,)]


@pytest.mark.parametrize(
    "query",
    [
        'budget" OR ministry : "',
        "budget*",
        "budget AND NOT",
        "stems : budget",
        "^budget",
        "NEAR(budget)",
        "{budget}",
    ],
)
def test_nothing_in_a_query_is_an_operator(cursor: FormatCursor, query: str) -> None:
    recording = _say(cursor, "budget")
    _say(cursor, "secret", ministry=OTHER)
    assert len(_find(cursor, query, [recording])) <= 1
    assert _find(cursor, query, [recording], ministry=OTHER) == []


@given(text=st.text(max_size=200))
def test_whatever_is_typed_can_be_looked_for(text: str) -> None:
    connection = sqlite3.connect(":memory:")
    cursor = FormatCursor(connection)
    INDEX.create(cursor)
    recording = _say(cursor, "budget")
    assert len(_find(cursor, f'{text} "{text}"', [recording])) <= 1
    connection.close()


@given(
    words=st.lists(
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12), min_size=1, max_size=8
    )
)
def test_whatever_was_said_is_found_by_its_own_words(words: list[str]) -> None:
    connection = sqlite3.connect(":memory:")
    cursor = FormatCursor(connection)
    INDEX.create(cursor)
    text = " ".join(words)
    recording = _say(cursor, text, language="fr")
    query = query_lexemes(text, ["fr"])
    found = INDEX.count(cursor, ministry=MINISTRY, recordings=[recording], query=query)
    assert found == (1 if query else 0)
    connection.close()
