"""One analysis of words for both databases, so that PostgreSQL and SQLite find the same passages.

A text becomes stems with positions: split into words, French articles before an apostrophe taken off, stop
words left out *before* accents are folded (afterwards `à`, `été` and `même` would no longer be known as
such), stemmed by Snowball, folded to lower case without accents.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import snowballstemmer

from transcripts.search.stop_words import STOP_WORDS

STEMMERS = {
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
}
LONGEST = 64  # characters of a word; what is longer is no word that anyone will search for
WORD = re.compile(r"(?:[^\W_][\u0300-\u036f]*)+(?:['’ʼ](?:[^\W_][\u0300-\u036f]*)+)*")
"""Letters, composed or with combining accents, and figures, joined by apostrophes."""
ELISION = re.compile(r"(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu|gl|dell|all|nell|sull|dall|un)['’ʼ]")
"""What French and Italian put before a word and an apostrophe: l', d', qu', dell'…"""
ELIDING = frozenset({"fr", "it"})
QUOTED = re.compile(r"[\"“«]([^\"“”«»]+)[\"”»]")


@dataclass(frozen=True, slots=True)
class Lexeme:
    """A word's stem, folded; its position counts all words of the text."""

    stem: str
    position: int


@dataclass(frozen=True, slots=True)
class Query:
    """A passage answers when it holds a stem of each group, and each phrase's groups one after the other.

    A group holds one word's stems in the languages asked for.
    """

    groups: tuple[frozenset[str], ...]
    phrases: tuple[tuple[frozenset[str], ...], ...] = ()

    @property
    def stems(self) -> frozenset[str]:
        """Every stem that is looked for."""
        return frozenset().union(*self.groups)

    def __bool__(self) -> bool:
        """False where no word is looked for: nothing answers."""
        return bool(self.groups)


@dataclass(frozen=True, slots=True)
class _Token:
    stem: str
    position: int
    start: int
    end: int


def lexemes(text: str, language: str) -> list[Lexeme]:
    """The stems of a text in order; in an unknown language words are only folded."""
    return [Lexeme(token.stem, token.position) for token in _tokens(text, language)]


def query_lexemes(text: str, languages: Iterable[str]) -> Query:
    """What to look for: the words, analysed in every language of the archive; “quoted words” are a phrase.

    A stop word of any of the languages is left out, since their passages do not hold it, unless only such
    words are asked for.
    """
    spoken = sorted(set(languages)) or [""]
    phrases = (tuple(_groups(quoted, spoken)) for quoted in QUOTED.findall(text))
    return Query(
        tuple(dict.fromkeys(_groups(text, spoken))),
        tuple(dict.fromkeys(phrase for phrase in phrases if len(phrase) > 1)),
    )


def highlight(text: str, query: Query, language: str) -> list[tuple[int, int]]:
    """Half-open character ranges of the text's words that the query asks for, in order."""
    wanted = query.stems
    return [(token.start, token.end) for token in _tokens(text, language) if token.stem in wanted]


def fold(word: str) -> str:
    """Without case, accents and ligatures: `Œuvré` → `oeuvre`, `STRASSE` and `Straße` → `strasse`."""
    plain = unicodedata.normalize("NFKD", word.casefold().replace("œ", "oe").replace("æ", "ae"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()


def _groups(text: str, languages: list[str]) -> Iterator[frozenset[str]]:
    """Per word of the text its stems: of words that all languages look for, or else that some do."""
    found: dict[int, list[str]] = {}
    for language in languages:
        for token in _tokens(text, language):
            found.setdefault(token.position, []).append(token.stem)
    sought = [at for at, stems in found.items() if len(stems) == len(languages)] or list(found)
    return (frozenset(found[position]) for position in sorted(sought))


def _tokens(text: str, language: str) -> Iterator[_Token]:
    """Stems with positions and character ranges, stop words left out."""
    base = language.partition("-")[0].lower()
    stops = STOP_WORDS.get(base, frozenset())
    for position, (start, end) in enumerate(_words(text, base)):
        word = unicodedata.normalize("NFC", text[start:end]).lower().replace("’", "'").replace("ʼ", "'")
        if word not in stops and end - start <= LONGEST and (stem := _stem(word, base)):
            yield _Token(stem, position, start, end)


def _words(text: str, language: str) -> Iterator[tuple[int, int]]:
    """Character ranges of the words, without elided articles."""
    for match in WORD.finditer(text):
        start, end = match.span()
        elided = ELISION.match(match.group().lower()) if language in ELIDING else None
        if elided and elided.end() < end - start:
            start += elided.end()
        yield start, end


@lru_cache(maxsize=65_536)
def _stem(word: str, language: str) -> str:
    stemmer = _stemmer(language)
    return fold(stemmer.stemWord(word) if stemmer else word).replace("'", "")


@lru_cache(maxsize=len(STEMMERS) + 1)
def _stemmer(language: str) -> Any:
    return snowballstemmer.stemmer(STEMMERS[language]) if language in STEMMERS else None
