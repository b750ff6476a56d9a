"""Tokens and passwords stay out of every log line."""

import logging
import sys

import pytest

from visio_portal.scrubbing import ScrubbingFormatter, scrub

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "line",
    [
        f"GET /rtc/v1?access_token={TOKEN}&join_request=Cgk HTTP/1.1",
        f"WSCONNECT /rtc/v1?join_request=Cgk&ACCESS_TOKEN={TOKEN}",
        f"Authorization: Bearer {TOKEN}",
        f"token {TOKEN!r} was refused",
        f"password=correct-horse&token={TOKEN}",
    ],
)
def test_no_token_is_left(line: str) -> None:
    clean = scrub(line)
    assert TOKEN not in clean
    assert "eyJ" not in clean
    assert "correct-horse" not in clean
    assert "Cgk&" not in clean


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("postgresql://visio:s3c:ret@db:5432/visio", "postgresql://visio:…@db:5432/visio"),
        ("Connected to redis://:s3cret@127.0.0.1:6379/0.", "Connected to redis://:…@127.0.0.1:6379/0."),
        ("see https://visio.example:8000/@me", "see https://visio.example:8000/@me"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
    ],
)
def test_passwords_in_urls_are_taken_out_and_the_rest_is_kept(line: str, clean: str) -> None:
    assert scrub(line) == clean


def test_the_rest_of_the_line_is_kept() -> None:
    assert scrub("GET /rtc/v1?access_token=abc&x=1 200") == "GET /rtc/v1?access_token=…&x=1 200"
    assert scrub("nothing secret here") == "nothing secret here"


def test_arguments_of_a_record_are_scrubbed_too() -> None:
    record = logging.LogRecord("visio", logging.INFO, "", 0, "joined with %s", (TOKEN,), None)
    assert ScrubbingFormatter("%(message)s").format(record) == "joined with …"


def test_tracebacks_are_scrubbed_too() -> None:
    try:
        raise ValueError(f"wss://visio.example/rtc/v1?access_token={TOKEN}")
    except ValueError:
        record = logging.LogRecord("visio", logging.ERROR, "", 0, "no socket", (), sys.exc_info())
    text = ScrubbingFormatter("%(message)s").format(record)
    assert "ValueError: wss://visio.example/rtc/v1?access_token=…" in text
    assert "eyJ" not in text
