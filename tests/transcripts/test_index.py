"""The archive's index, against the database that the run stands on: the same cases, the same answers."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transcripts.search.index import Cursor, Found, Passage
from transcripts.search.lexemes import lexemes, query_lexemes
from transcripts.services.indexing import index

pytestmark = pytest.mark.django_db

INDEX = index()
MINISTRY, OTHER = uuid4(), uuid4()


@pytest.fixture
def cursor(db: None) -> Cursor:
    """Within the test's transaction, on the tables that the migration made."""
    made: Cursor = connection.cursor()
    return made


def _passage(text: str, language: str = "en", start: float = 0.0) -> Passage:
    stems = tuple(lexeme.stem for lexeme in lexemes(text, language))
    return Passage(uuid4(), range(len(text.split())), start, stems)


def _say(cursor: Cursor, *texts: str, ministry: UUID = MINISTRY, held_at: float = 0.0, **kwargs: Any) -> UUID:
    recording = uuid4()
    passages = [_passage(text, start=float(at), **kwargs) for at, text in enumerate(texts)]
    assert INDEX.add(
        cursor, ministry=ministry, recording=recording, held_at=held_at, passages=passages
    ) == len(texts)
    return recording


def _find(
    cursor: Cursor, text: str, recordings: Sequence[UUID], ministry: UUID = MINISTRY, limit: int = 10
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
    cursor: Cursor, query: str, starts: set[float]
) -> None:
    recording = _say(cursor, "a budget for the climate", "the climate budget of the year", "the trains")
    assert {found.start for found in _find(cursor, query, [recording])} == starts


@pytest.mark.parametrize("query", ["reunions", "réunion", "RÉUNION", "été réunions"])
def test_french_is_found_whatever_its_accents(cursor: Cursor, query: str) -> None:
    recording = _say(cursor, "les réunions de printemps", language="fr")
    assert len(_find(cursor, query, [recording])) == 1


def test_a_long_phrase_is_found_word_for_word(cursor: Cursor) -> None:
    text = "seven quick foxes jumped over nineteen sleeping dogs beside green rivers yesterday"
    recording = _say(cursor, text, " ".join(reversed(text.split())))
    assert [found.start for found in _find(cursor, f'"{text}"', [recording])] == [0.0]


def test_another_ministry_finds_nothing_even_with_the_recordings_key(cursor: Cursor) -> None:
    recording = _say(cursor, "budget")
    assert _find(cursor, "budget", [recording], ministry=OTHER) == []
    assert len(_find(cursor, "budget", [recording])) == 1


def test_permission_binds_before_the_limit(cursor: Cursor) -> None:
    mine = _say(cursor, "a budget was named in this long passage of words", held_at=0.0)
    for newer in range(50):
        _say(cursor, "budget budget", held_at=float(newer + 1))
    assert [found.start for found in _find(cursor, "budget", [mine], limit=1)] == [0.0]
    assert _find(cursor, "budget", []) == []


def test_equally_good_answers_come_newest_first_and_in_order_of_time(cursor: Cursor) -> None:
    old = _say(cursor, "budget one", "budget two", held_at=100.0)
    new = _say(cursor, "budget three", held_at=200.0)
    found = _find(cursor, "budget", [old, new])
    assert [(-answer.age, answer.start) for answer in found] == [(200.0, 0.0), (100.0, 0.0), (100.0, 1.0)]
    assert found == sorted(found)
    assert _find(cursor, "budget", [old, new], limit=2) == found[:2]


def test_what_is_removed_is_found_no_more_and_the_rest_is(cursor: Cursor) -> None:
    gone, kept = _say(cursor, "budget", "budget"), _say(cursor, "budget")
    INDEX.remove(cursor, recording=gone)
    assert len(_find(cursor, "budget", [gone, kept])) == 1
    INDEX.clear(cursor)
    assert _find(cursor, "budget", [gone, kept]) == []


def test_a_dropped_index_leaves_no_table_and_can_be_made_again(cursor: Cursor) -> None:
    INDEX.drop(cursor)
    assert not [name for name in connection.introspection.table_names() if name.startswith("archive")]
    INDEX.create(cursor)
    assert len(_find(cursor, "budget", [_say(cursor, "budget")])) == 1


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
def test_nothing_in_a_query_is_an_operator(cursor: Cursor, query: str) -> None:
    recording = _say(cursor, "budget")
    _say(cursor, "secret", ministry=OTHER)
    assert len(_find(cursor, query, [recording])) <= 1
    assert _find(cursor, query, [recording], ministry=OTHER) == []


shared_transaction = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@shared_transaction
@given(text=st.text(max_size=200))
def test_whatever_is_typed_can_be_looked_for(cursor: Cursor, text: str) -> None:
    recording = _say(cursor, "budget")
    assert len(_find(cursor, f'{text} "{text}"', [recording])) <= 1


@shared_transaction
@given(
    words=st.lists(
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12), min_size=1, max_size=8
    )
)
def test_whatever_was_said_is_found_by_its_own_words(cursor: Cursor, words: list[str]) -> None:
    text = " ".join(words)
    recording = _say(cursor, text, language="fr")
    query = query_lexemes(text, ["fr"])
    found = INDEX.count(cursor, ministry=MINISTRY, recordings=[recording], query=query)
    assert found == (1 if query else 0)


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("budget", [1, 4, 0, 2, 3]),  # said more often first, then the newer meeting
        ("budget climate", [4, 0, 2]),  # on average of the words asked for, whole
        ("“climate budget”", [4, 0]),
        ("climate trains", []),
    ],
)
def test_the_order_is_the_same_on_every_ground(cursor: Cursor, query: str, order: list[int]) -> None:
    said = [
        "the climate budget of this year",
        "budget and budget",
        "a budget for the climate",
        "budget",
        "budget, the climate budget, climate",
    ]
    recordings = [_say(cursor, text, held_at=100.0 - number) for number, text in enumerate(said)]
    held = [round(100 + answer.age) for answer in _find(cursor, query, recordings)]
    assert held == order


def test_no_other_word_counts_for_the_order(cursor: Cursor) -> None:
    """“budgetary” has “budget” in it, and an index that looked for letters would count it."""
    old = _say(cursor, "budget budgetary subbudget budgets9", held_at=1.0)
    new = _say(cursor, "budget trains", held_at=2.0)
    assert [-answer.age for answer in _find(cursor, "budget", [old, new])] == [2.0, 1.0]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL chooses its plans")
def test_a_search_goes_through_the_index_of_words(cursor: Cursor) -> None:
    recordings = [
        _say(cursor, *(f"word{recording * 40 + at} and many others" for at in range(40)))
        for recording in range(60)
    ]
    cursor.execute("ANALYZE archive_passage")
    found = _find(cursor, "word1234", recordings)
    assert len(found) == 1
    cursor.execute(
        "EXPLAIN SELECT count(*) FROM archive_passage WHERE words @@ %s::tsquery AND recording = ANY(%s)",
        (f"'={MINISTRY.hex}' & ('word1234')", recordings),
    )
    assert "archive_passage_words" in "\n".join(row[0] for row in cursor.fetchall())
