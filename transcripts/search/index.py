"""The archive's index, on whatever database: what is kept in it, what is asked, what comes back.

The index is derived from the speaker turns and can be rebuilt at any time. All searching is confined twice:
to one ministry, and within it to the recordings that the caller names; both bind before anything is limited.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from transcripts.search.lexemes import Query


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of one speaker turn, a row of the index."""

    turn: UUID
    words: range
    """Positions of its words in the turn."""
    start: float
    """Seconds from the recording's start."""
    stems: tuple[str, ...]
    """Of all its words that carry meaning, in order."""


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A passage that answers a query. Sorts as shown: best first, of equals the newest meeting first."""

    rank: float
    """The lower, the better: minus how often the passage holds the words asked for, on average of the words.

    A whole number and nothing finer, so that both databases can tell it and the newer meeting comes first of
    two that say as much.
    """
    age: float
    """Minus the Unix time at which the recording began."""
    start: float
    turn: UUID
    first_word: int
    end_word: int


class Cursor(Protocol):
    """A DB-API cursor whose placeholders are ``%s``, as Django and psycopg give them."""

    def execute(self, sql: str, params: Sequence[Any] = ..., /) -> Any:
        """Runs one statement."""

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows of the last statement."""


class Index(Protocol):
    """One database's way to keep passages and to find them. Runs within the caller's transaction."""

    def create(self, cursor: Cursor) -> None:
        """Makes the empty index."""

    def drop(self, cursor: Cursor) -> None:
        """Removes the index as a whole."""

    def clear(self, cursor: Cursor) -> None:
        """Forgets every passage."""

    def add(
        self, cursor: Cursor, *, ministry: UUID, recording: UUID, held_at: float, passages: Iterable[Passage]
    ) -> int:
        """Keeps the passages of a recording that began at Unix time `held_at`; gives how many there were."""

    def remove(self, cursor: Cursor, *, recording: UUID) -> None:
        """Forgets the recording's passages."""

    def count(self, cursor: Cursor, *, ministry: UUID, recordings: Sequence[UUID], query: Query) -> int:
        """How many passages `find` would give without a limit."""

    def find(
        self, cursor: Cursor, *, ministry: UUID, recordings: Sequence[UUID], query: Query, limit: int
    ) -> list[Found]:
        """The first `limit` answers among these recordings of this ministry, in the order of `Found`."""
