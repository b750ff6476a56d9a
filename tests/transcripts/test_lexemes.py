"""What of a text can be found again."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.search.lexemes import Query, fold, highlight, lexemes, query_lexemes

LANGUAGES = ["fr", "en"]


def stems(text: str, language: str = "fr") -> list[str]:
    return [lexeme.stem for lexeme in lexemes(text, language)]


def test_stop_words_go_before_accents_do() -> None:
    """Once folded, `à`, `été` and `même` would be indexed as words that nobody meant."""
    assert stems("à même d'avoir été là où") == []
    assert stems("le côté ouest, la cote") == ["cot", "ouest", "cot"]


def test_articles_before_an_apostrophe_are_no_part_of_the_word() -> None:
    assert stems("l'eau d’Évian qu'Antoine jusqu'ici") == stems("eau Évian Antoine")
    assert stems("aujourd'hui") == ["aujourdhui"]
    assert stems("dell'acqua un’idea", "it") == stems("acqua idea", "it")


def test_forms_of_a_word_meet() -> None:
    assert stems("réunions") == stems("RÉUNION") == stems("reunion")
    assert stems("budgets discussed", "en") == stems("budget discussing", "en")
    assert stems("Häuser", "de") == stems("hauser", "de")


def test_composed_and_decomposed_letters_are_the_same() -> None:
    text = "déjà préparé à Besançon"
    assert stems(unicodedata.normalize("NFD", text)) == stems(text) == stems(text.upper())


def test_positions_count_the_words_left_out() -> None:
    assert [(lexeme.stem, lexeme.position) for lexeme in lexemes("le ministre de l'eau", "fr")] == [
        ("ministr", 1),
        ("eau", 3),
    ]


def test_an_unknown_language_is_only_folded() -> None:
    assert stems("Příliš žluťoučký kůň a", "cs") == ["prilis", "zlutoucky", "kun", "a"]
    assert stems("meetings", "") == ["meetings"]


def test_regions_do_not_matter() -> None:
    assert stems("les réunions", "fr-CA") == ["reunion"]


def test_what_no_one_searches_is_left_out() -> None:
    assert stems("x" * 65 + " … — !? _ 🙂") == []
    assert stems("covid19 2026") == ["covid19", "2026"]


@pytest.mark.parametrize(
    ("word", "folded"), [("Œuvré", "oeuvre"), ("Straße", "strasse"), ("İ", "i"), ("ﬁn", "fin")]
)
def test_folding(word: str, folded: str) -> None:
    assert fold(word) == folded


def test_a_query_finds_either_language() -> None:
    query = query_lexemes("réunions budgets", LANGUAGES)
    assert [
        set(stems("réunion budget", language)) & set().union(*query.groups) for language in LANGUAGES
    ] == [
        {"reunion", "budget"},
        {"reunion", "budget"},
    ]


def test_a_stop_word_of_one_language_is_not_asked_of_the_other() -> None:
    """Else “le budget” would find nothing in French, where `le` is not indexed."""
    assert query_lexemes("le budget", LANGUAGES) == query_lexemes("budget", LANGUAGES)


def test_only_stop_words() -> None:
    assert not query_lexemes("le", ["fr"])
    assert query_lexemes("le", LANGUAGES).groups == (frozenset({"le"}),)
    assert not query_lexemes(" …  ", LANGUAGES)


@pytest.mark.parametrize(
    "text", ['"ordre du jour" suivant', "“ordre du jour” suivant", "« ordre du jour » suivant"]
)
def test_phrases(text: str) -> None:
    query = query_lexemes(text, ["fr"])
    assert query.phrases == ((frozenset({"ordre"}), frozenset({"jour"})),)
    assert query.groups == (frozenset({"ordre"}), frozenset({"jour"}), frozenset({"suiv"}))


def test_highlight_marks_the_words_as_they_stand() -> None:
    text = "L’Ordre du jour : les ordres, l'été."
    query = query_lexemes('"ordre du jour"', LANGUAGES)
    assert [text[start:end] for start, end in highlight(text, query, "fr")] == ["Ordre", "jour", "ordres"]
    assert highlight(text, Query(()), "fr") == []


@given(st.text(max_size=60), st.sampled_from(["fr", "en", "de", "xx"]))
def test_any_text_is_found_by_its_own_words(text: str, language: str) -> None:
    query = query_lexemes(text.replace('"', " "), [language])
    found = lexemes(text.replace('"', " "), language)
    assert {lexeme.stem for lexeme in found} == set().union(*query.groups)
    for start, end in highlight(text, query, language):
        assert 0 <= start < end <= len(text)
    assert all(lexeme.stem and not lexeme.stem.isspace() and " " not in lexeme.stem for lexeme in found)
