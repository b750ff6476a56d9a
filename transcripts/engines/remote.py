"""A recogniser elsewhere in the administration's zone, behind an OpenAI-style `/audio/transcriptions`.

Asks for `verbose_json` with word times, or `diarized_json`, where only segments carry times: their words are
spread over them by length. Sound leaves this machine only for the configured address.
"""

import io
import json
import wave
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import requests

from transcripts.engines.base import (
    SAMPLE_RATE,
    EngineSettings,
    EngineStatus,
    Progress,
    Quality,
    Sound,
    Span,
    Word,
    as_integers,
    cut,
    require_language,
    word_within,
)
from transcripts.engines.voice_activity import speech_spans
from transcripts.errors import EngineUnusable, RemoteRecogniserFailed

NAME = "remote"
FORMATS = ("verbose_json", "diarized_json")
CONNECT_S, ANSWER_S = 5.0, 600.0
PIECE_S = 300.0  # of sound per request: 9.6 MB, below the 25 MB that such servers commonly accept
ANSWER_BYTES = 32 * 1024 * 1024


def status(settings: EngineSettings) -> EngineStatus:
    """Usable where an address, an answer format and the languages are configured; nothing is contacted."""
    return EngineStatus(NAME, "production", frozenset(settings.remote_languages), _obstacle(settings))


def load(settings: EngineSettings) -> "RemoteRecogniser":
    """A client of the configured address. Raises EngineUnusable where the configuration is incomplete."""
    if obstacle := _obstacle(settings):
        raise EngineUnusable(obstacle)
    return RemoteRecogniser(settings)


def _obstacle(settings: EngineSettings) -> str:
    address = urlsplit(settings.remote_url)
    if address.scheme not in ("http", "https") or not address.hostname:
        return "no address: set VISIO_REMOTE_SPEECH_URL to an OpenAI-style /audio/transcriptions"
    if settings.remote_format not in FORMATS:
        return f"the answer format is “{settings.remote_format}”, not one of {', '.join(FORMATS)}"
    return "" if settings.remote_languages else "no languages: set VISIO_REMOTE_SPEECH_LANGUAGES"


class RemoteRecogniser:
    """See `transcripts.engines.base.Recogniser`."""

    name = NAME
    quality: Quality = "production"

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self.languages = frozenset(settings.remote_languages)
        self.version = settings.remote_model
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, no .netrc: sound goes to the configured address alone
        if settings.remote_key:
            self._session.headers["Authorization"] = f"Bearer {settings.remote_key}"

    def transcribe(self, pcm: Sound, language: str, *, progress: Progress) -> list[Word]:
        """Words of all stretches of speech. Raises RemoteRecogniserFailed."""
        require_language(self.name, self.languages, language)
        pieces = _pieces(speech_spans(pcm))
        words: list[Word] = []
        for done, piece in enumerate(pieces, start=1):
            answer = self._ask(_wav(cut(pcm, piece)), language)
            words += [
                Word(w.text, w.start + piece.start, w.end + piece.start, w.confidence)
                for w in _words(answer, piece)
            ]
            progress(done / len(pieces))
        return sorted(words, key=lambda word: (word.start, word.end))

    def _ask(self, sound: bytes, language: str) -> dict[str, Any]:
        """One request; the answer's JSON object."""
        fields = {
            "model": self._settings.remote_model,
            "language": language,
            "response_format": self._settings.remote_format,
        }
        if self._settings.remote_format == "verbose_json":
            fields["timestamp_granularities[]"] = "word"
        try:
            with self._session.post(
                self._settings.remote_url,
                data=fields,
                files={"file": ("track.wav", sound, "audio/wav")},
                timeout=(CONNECT_S, ANSWER_S),
                allow_redirects=False,  # another address was not configured
                stream=True,
            ) as response:
                return _read(response)
        except requests.RequestException as error:
            raise RemoteRecogniserFailed(f"the remote recogniser failed: {error}") from error


def _read(response: requests.Response) -> dict[str, Any]:
    """The JSON object of a good answer, no longer than ANSWER_BYTES."""
    if response.status_code != 200:
        raise RemoteRecogniserFailed(f"the remote recogniser answered {response.status_code}")
    body = bytearray()
    for block in response.iter_content(65_536):
        body += block
        if len(body) > ANSWER_BYTES:
            raise RemoteRecogniserFailed("the remote recogniser's answer is too long")
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise RemoteRecogniserFailed("the remote recogniser's answer is not JSON") from error
    if not isinstance(answer, dict):
        raise RemoteRecogniserFailed("the remote recogniser's answer is not an object")
    return answer


def _words(answer: dict[str, Any], piece: Span) -> Iterator[Word]:
    """Words with times within the piece; entries that are not words are left out."""
    if words := _entries(answer, "words"):
        found = (word_within(w.get("word"), w.get("start"), w.get("end"), None, piece.length) for w in words)
        yield from (word for word in found if word)
        return
    for segment in _entries(answer, "segments"):
        whole = word_within(segment.get("text"), segment.get("start"), segment.get("end"), None, piece.length)
        yield from _spread(whole) if whole else ()


def _entries(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    entries = answer.get(name)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _spread(whole: Word) -> Iterator[Word]:
    """A segment's words, each given time by its length: an estimate, good to some tenths of a second."""
    texts = whole.text.split()
    second_per_letter = (whole.end - whole.start) / sum(map(len, texts))
    start = whole.start
    for text in texts:
        end = min(start + len(text) * second_per_letter, whole.end)
        yield Word(text, start, end)
        start = end


def _pieces(spans: list[Span]) -> list[Span]:
    """Neighbouring stretches of speech put together into pieces of at most PIECE_S seconds."""
    pieces: list[Span] = []
    for span in spans:
        if pieces and span.end - pieces[-1].start <= PIECE_S:
            pieces[-1] = Span(pieces[-1].start, span.end)
        else:
            pieces.append(span)
    return pieces


def _wav(pcm: Sound) -> bytes:
    """The sound as a 16-bit mono WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(as_integers(pcm).tobytes())
    return file.getvalue()
