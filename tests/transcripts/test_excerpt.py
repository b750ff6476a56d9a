"""Excerpts: the words around the answer, the answer marked."""

from transcripts.search.excerpt import LENGTH, excerpt
from transcripts.search.lexemes import query_lexemes

BOTH = ("fr", "en")


def _marked(
    words: list[str], text: str, language: str = "en", passage: range | None = None
) -> tuple[int, str]:
    found = excerpt(words, passage or range(len(words)), query_lexemes(text, BOTH), language)
    return found.first, "".join(f"[{piece}]" if marked else piece for piece, marked in found.pieces)


def test_words_keep_their_spelling_and_inflected_forms_are_marked() -> None:
    words = ["We", "Discussed", "the", "budgets,", "again."]
    assert _marked(words, "discuss budget") == (1, "We [Discussed] the [budgets], again.")


def test_accents_and_elisions_do_not_matter_in_french() -> None:
    words = ["nous", "parlons", "de", "l'été", "prochain", "et", "de", "l’École"]
    assert _marked(words, "ecole", "fr") == (7, "nous parlons de l'été prochain et de l’[École]")


def test_a_long_turn_is_shown_in_part_with_the_answer_inside() -> None:
    words = [f"word{at}" for at in range(100)]
    words[60] = "climate"
    first, shown = _marked(words, "climate")
    assert first == 60
    assert shown.startswith("… word52 ")
    assert shown.endswith(" word81 …")
    assert "[climate]" in shown
    assert len(shown.strip("… ").split()) == LENGTH


def test_only_the_passage_is_looked_at_for_the_first_answer() -> None:
    words = ["climate", *(f"word{at}" for at in range(80)), "climate", "again"]
    assert _marked(words, "climate", passage=range(40, 83))[0] == 81


def test_a_phrase_is_where_its_words_stand_in_a_row() -> None:
    words = ["the", "budget", "came", "before", "the", "climate", "budget", "of", "this", "year"]
    assert _marked(words, "“climate budget”")[0] == 5
    assert _marked(words, "climate budget")[0] == 1


def test_a_word_that_holds_spaces_does_not_move_the_answer() -> None:
    assert _marked(["twenty five", "per cent", "budget"], "budget")[0] == 2
