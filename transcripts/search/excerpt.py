"""What is shown of a passage: some words around the place that answers the query, its words marked."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import contains

from transcripts.search.lexemes import Query, highlight, lexemes

LENGTH, BEFORE = 30, 8
"""Words shown, and how many of them come before the first one that was asked for."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Part of a turn's words."""

    first: int
    """Position, among the turn's words, of the first one that answers the query."""
    pieces: tuple[tuple[str, bool], ...]
    """Text, and whether it is to be marked; put together they are the original words."""


def excerpt(words: Sequence[str], passage: range, query: Query, language: str) -> Excerpt:
    """Some words around the first of the passage's words that answers the query, as they were written."""
    first = passage.start + _answering(words[passage.start : passage.stop], query, language)
    start = max(0, min(first - BEFORE, len(words) - LENGTH))
    shown = words[start : start + LENGTH]
    pieces = tuple(_pieces(" ".join(shown), query, language))
    before = (("… ", False),) if start > 0 else ()
    after = ((" …", False),) if start + LENGTH < len(words) else ()
    return Excerpt(first, (*before, *pieces, *after))


def _answering(words: Sequence[str], query: Query, language: str) -> int:
    """Position of the first word of a phrase of the query, or else of the first word that it asks for."""
    text = " ".join(words)
    at = min((start for phrase in query.phrases for start in _starts(text, phrase, language)), default=None)
    if at is None:
        at = next((start for start, _ in highlight(text, query, language)), 0)
    starts = list(accumulate((len(word) + 1 for word in words), initial=0))
    return min(bisect_right(starts, at), len(words)) - 1


def _starts(text: str, phrase: Sequence[frozenset[str]], language: str) -> Iterator[int]:
    """The characters at which the phrase begins."""
    stems = [lexeme.stem for lexeme in lexemes(text, language)]
    candidates = [at for at, stem in enumerate(stems) if stem in phrase[0]]
    places = highlight(text, Query((phrase[0],)), language)
    for at, (start, _) in zip(candidates, places, strict=True):
        row = stems[at : at + len(phrase)]
        if len(row) == len(phrase) and all(map(contains, phrase, row)):
            yield start


def _pieces(text: str, query: Query, language: str) -> Iterator[tuple[str, bool]]:
    at = 0
    for start, end in highlight(text, query, language):
        if start > at:
            yield text[at:start], False
        yield text[start:end], True
        at = end
    if at < len(text):
        yield text[at:], False
