"""The remote engine, against a real server on loopback."""

import io
import json
import threading
import wave
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.transcripts.voices import SENTENCES, needs_flite, say_all, silence
from transcripts.engines.base import EngineSettings, word_within
from transcripts.engines.remote import load
from transcripts.errors import EngineUnusable, LanguageNotSpoken, RemoteRecogniserFailed

pytestmark = needs_flite

WORDS = {
    "words": [{"word": "good", "start": 0.2, "end": 0.5}, {"word": " morning ", "start": 0.5, "end": 1.0}]
}
SEGMENTS = {
    "text": "…",
    "segments": [
        {"speaker": "A", "start": 0.0, "end": 2.0, "text": " good morning all "},
        {"speaker": "B", "text": 7},
    ],
}


class Speech(HTTPServer):
    """Answers every request alike and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.status, self.body, self.headers = 200, b"", {}
        self.requests: list[tuple[dict[str, str], dict[str, bytes]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/audio/transcriptions"

    def answer(self, body: Any) -> None:
        self.body = json.dumps(body).encode()


class Answering(BaseHTTPRequestHandler):
    server: Speech

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = BytesParser(policy=HTTP).parsebytes(head + body).iter_parts()
        fields = {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in parts
        }
        self.server.requests.append((dict(self.headers), fields))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Speech]:
    with Speech() as speech:
        thread = threading.Thread(target=speech.serve_forever, args=(0.02,))
        thread.start()
        yield speech
        speech.shutdown()
        thread.join()


def settings(server: Speech, **more: str) -> EngineSettings:
    return EngineSettings(remote_url=server.url, remote_languages=("en", "fr"), **more)  # type: ignore[arg-type]


def ignore(share: float) -> None:
    """Progress that nobody watches."""


def test_words_with_times(server: Speech) -> None:
    server.answer(WORDS)
    told: list[float] = []
    pcm = say_all(SENTENCES[:1], "slt", pause_s=4.0)
    words = load(settings(server, remote_key="secret")).transcribe(pcm, "en", progress=told.append)
    assert [word.text for word in words] == ["good", "morning"]
    assert words[0].start == pytest.approx(4.0 + 0.2, abs=0.4)
    assert told == [1.0]
    [(headers, fields)] = server.requests
    assert headers["Authorization"] == "Bearer secret"
    assert fields["language"] == b"en"
    assert fields["response_format"] == b"verbose_json"
    assert fields["timestamp_granularities[]"] == b"word"
    with wave.open(io.BytesIO(fields["file"])) as sound:
        assert (sound.getframerate(), sound.getnchannels()) == (16_000, 1)
        assert 2 < sound.getnframes() / 16_000 < 6  # the sentence, not the silence around it


def test_words_of_segments_are_spread_by_length(server: Speech) -> None:
    server.answer(SEGMENTS)
    pcm = say_all(SENTENCES[:1], "slt")
    words = load(settings(server, remote_format="diarized_json")).transcribe(pcm, "fr", progress=ignore)
    assert [word.text for word in words] == ["good", "morning", "all"]
    lengths = [word.end - word.start for word in words]
    assert sum(lengths) == pytest.approx(2.0)
    assert lengths[1] == pytest.approx(lengths[0] * 7 / 4)
    assert server.requests[0][1]["response_format"] == b"diarized_json"


def test_silence_is_not_sent(server: Speech) -> None:
    assert load(settings(server)).transcribe(silence(3), "en", progress=ignore) == []
    assert server.requests == []


@pytest.mark.parametrize(
    "body",
    [
        {
            "words": [
                {"word": 5, "start": 0, "end": 1},
                {"word": "x"},
                "y",
                {"word": "z", "start": "0", "end": 1},
            ]
        },
        {"words": "none", "segments": None},
        {"segments": [{"text": "", "start": 0, "end": 1}, {"text": "w", "start": float("nan"), "end": 1}]},
    ],
)
def test_what_is_no_word_is_left_out(server: Speech, body: Any) -> None:
    server.answer(body)
    assert load(settings(server)).transcribe(say_all(SENTENCES[:1], "slt"), "en", progress=ignore) == []


def test_times_outside_the_sound_are_brought_back(server: Speech) -> None:
    server.answer({"words": [{"word": "late", "start": -5, "end": 1e9}]})
    pcm = say_all(SENTENCES[:1], "slt")
    [word] = load(settings(server)).transcribe(pcm, "en", progress=ignore)
    assert 0 <= word.start < word.end <= pcm.size / 16_000


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, b"", "answered 500"),
        (200, b"<html>", "not JSON"),
        (200, b"[]", "not an object"),
        (401, b"{}", "401"),
    ],
)
def test_bad_answers_are_one_clear_error(server: Speech, status: int, body: bytes, reason: str) -> None:
    server.status, server.body = status, body
    with pytest.raises(RemoteRecogniserFailed, match=reason):
        load(settings(server)).transcribe(say_all(SENTENCES[:1], "slt"), "en", progress=ignore)


def test_a_redirect_is_not_followed(server: Speech) -> None:
    server.status, server.headers = 307, {"Location": server.url + "/elsewhere"}
    with pytest.raises(RemoteRecogniserFailed, match="answered 307"):
        load(settings(server)).transcribe(say_all(SENTENCES[:1], "slt"), "en", progress=ignore)
    assert len(server.requests) == 1


def test_a_server_that_is_gone() -> None:
    gone = EngineSettings(remote_url="http://127.0.0.1:9/v1", remote_languages=("en",))
    with pytest.raises(RemoteRecogniserFailed, match="failed"):
        load(gone).transcribe(say_all(SENTENCES[:1], "slt"), "en", progress=ignore)


def test_a_language_that_was_not_configured_sends_nothing(server: Speech) -> None:
    with pytest.raises(LanguageNotSpoken):
        load(settings(server)).transcribe(say_all(SENTENCES[:1], "slt"), "de", progress=ignore)
    assert server.requests == []


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "speech.example/v1", "ftp://speech.example/"])
def test_only_an_http_address_is_an_address(url: str) -> None:
    with pytest.raises(EngineUnusable, match="VISIO_REMOTE_SPEECH_URL"):
        load(EngineSettings(remote_url=url, remote_languages=("en",)))


def test_what_no_database_keeps_is_taken_out_of_words() -> None:
    """A NUL in one word cost a whole transcript on PostgreSQL."""
    word = word_within("bud\x00get\ud800 ", 0.0, 1.0, None, 2.0)
    assert word is not None
    assert word.text == "budget"
    assert word_within("\x00", 0.0, 1.0, None, 2.0) is None
    segment = word_within("one\ntwo", 0.0, 1.0, None, 2.0)
    assert segment is not None
    assert segment.text.split() == ["one", "two"]
