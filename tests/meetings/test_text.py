"""Names, titles and messages as people type them, or as nobody in good faith would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetings.text import message, one_line, same_name


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Hélène\t Durand \n", "Hélène Durand"),
        ("\u202eneleH", "neleH"),
        ("Hé\u200blène", "Hélène"),
        ("\u2066Ivan\u2069", "Ivan"),
        ("a\x00b\x07", "ab"),
        ("\ud800x", "x"),
        ("نامه\u200cها", "نامه\u200cها"),
        ("\u200d\u200c", ""),
        ("\u200b\u2060\ufeff", ""),
        ("He\u0301le\u0300ne", "Hélène"),
    ],
)
def test_a_name_shows_all_of_itself(typed: str, kept: str) -> None:
    assert one_line(typed) == kept


def test_a_message_keeps_its_lines_and_emoji() -> None:
    family = "\U0001f469\u200d\U0001f467"
    assert message(f" one\r\n\ttwo {family}\u202e\x00\ud800 \n") == f"one\n\ttwo {family}"


def test_names_that_read_alike_are_the_same() -> None:
    assert same_name("HÉLÈNE", "Hélène")
    assert same_name("Ｉｖａｎ", "ivan")
    assert not same_name("Ivan", "Iva")


@given(st.text(st.characters(categories=None)))
def test_whatever_is_typed_can_be_stored_and_is_settled(typed: str) -> None:
    for clean in (one_line, message):
        once = clean(typed)
        assert clean(once) == once
        assert "\x00" not in once
        once.encode()
