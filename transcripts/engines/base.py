"""What every recogniser takes and gives."""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from transcripts.errors import LanguageNotSpoken

SAMPLE_RATE = 16_000
"""Samples per second of all sound in this package."""

Sound = npt.NDArray[np.int16] | npt.NDArray[np.float32]
"""Mono sound at SAMPLE_RATE, shape (samples,): 16-bit integers, or floats within ±1."""

Quality = Literal["demo", "production"]
Progress = Callable[[float], None]
"""Told the share of the work done, from 0 to 1, never falling."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word; times in seconds from the sound's first sample."""

    text: str
    start: float
    end: float
    confidence: float | None = None
    """The engine's own estimate between 0 and 1, where it gives one."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of sound, in seconds from its first sample."""

    start: float
    end: float

    @property
    def length(self) -> float:
        """Seconds from start to end."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Which recognisers to try, in which order, and where their models and servers are."""

    order: tuple[str, ...] = ("whisperx", "faster_whisper", "pocketsphinx")
    models_dir: Path | None = None
    whisper_model: str = ""
    """Folder below `models_dir`/faster-whisper; empty: the only one there."""
    device: str = "cpu"
    threads: int = 2
    remote_url: str = ""
    """Full address of an OpenAI-style `/audio/transcriptions`; empty: the remote engine is not used."""
    remote_key: str = ""
    remote_model: str = "whisper-1"
    remote_format: str = "verbose_json"
    remote_languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Whether one engine can be used here, for which languages, and if not, why."""

    name: str
    quality: Quality
    languages: frozenset[str]
    reason: str = ""
    """Empty where the engine is usable; else one sentence that says what to install or set."""

    @property
    def usable(self) -> bool:
        """Whether there is no reason against it."""
        return not self.reason


class Recogniser(Protocol):
    """Turns one person's sound into words. Not thread-safe; one model each."""

    @property
    def name(self) -> str:
        """As in the settings' order."""

    @property
    def version(self) -> str:
        """Of the library, and of the model where it has a name; kept beside the transcript."""

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes."""

    @property
    def quality(self) -> Quality:
        """Shown to the reader."""

    def transcribe(self, pcm: Sound, language: str, *, progress: Progress) -> list[Word]:
        """Words in order of time. Raises LanguageNotSpoken before anything is recognised."""


def require_language(engine: str, languages: Iterable[str], language: str) -> None:
    """Raise LanguageNotSpoken unless `language` is among `languages`."""
    if language not in languages:
        raise LanguageNotSpoken(engine, language)


def as_floats(pcm: Sound) -> npt.NDArray[np.float32]:
    """The same sound as floats within ±1; a copy only where it was integers."""
    if pcm.dtype == np.int16:
        return pcm.astype(np.float32) / np.float32(32768)
    return np.asarray(pcm, dtype=np.float32)


def as_integers(pcm: Sound) -> npt.NDArray[np.int16]:
    """The same sound as 16-bit integers; louder than full scale is clipped."""
    if pcm.dtype == np.int16:
        return np.asarray(pcm, dtype=np.int16)
    return (np.clip(pcm, -1, 1) * 32767).astype(np.int16)


def cut(pcm: Sound, span: Span) -> Sound:
    """The samples of one span (a view)."""
    piece: Sound = pcm[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)]
    return piece


def word_within(text: Any, start: Any, end: Any, confidence: Any, limit: float) -> Word | None:
    """A word from another program's answer, its times within 0…`limit`; None where it is not one."""
    text = _storable(text).strip() if isinstance(text, str) else ""
    if not text or not all(isinstance(time, int | float) and np.isfinite(time) for time in (start, end)):
        return None
    first = min(max(float(start), 0.0), limit)
    last = min(max(float(end), first), limit)
    sure = isinstance(confidence, int | float) and np.isfinite(confidence)
    return Word(text, first, last, min(max(float(confidence), 0.0), 1.0) if sure else None)


def _storable(text: str) -> str:
    """Without what is no letter of any word, some of which (NUL, half a surrogate pair) no database keeps."""
    return "".join(
        letter for letter in text if letter.isspace() or unicodedata.category(letter) not in ("Cc", "Cs")
    )
