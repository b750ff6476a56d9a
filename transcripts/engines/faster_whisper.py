"""Whisper on CTranslate2 without torch, from a local folder: faster-whisper 1.2, production quality."""

import importlib.util
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from transcripts.engines.base import (
    SAMPLE_RATE,
    EngineSettings,
    EngineStatus,
    Progress,
    Quality,
    Sound,
    Word,
    as_floats,
    require_language,
    word_within,
)
from transcripts.engines.model_folder import WHISPER_LANGUAGES, check_sums, model_folder, whisper_languages
from transcripts.errors import EngineUnusable

NAME = "faster_whisper"
FAMILY = "faster-whisper"


def status(settings: EngineSettings) -> EngineStatus:
    """Usable where the package and one model folder are there; nothing is loaded."""
    try:
        folder = _folder(settings)
        return EngineStatus(NAME, "production", whisper_languages(folder))
    except EngineUnusable as error:
        return EngineStatus(NAME, "production", WHISPER_LANGUAGES, str(error))


def load(settings: EngineSettings) -> "FasterWhisperRecogniser":
    """Check the files and load the model. Raises EngineUnusable, ModelRefused."""
    folder = _folder(settings)
    check_sums(folder)
    return FasterWhisperRecogniser(folder, device=settings.device, threads=settings.threads)


def _folder(settings: EngineSettings) -> Path:
    if importlib.util.find_spec("faster_whisper") is None:
        raise EngineUnusable("not installed: pip install faster-whisper")
    folder = model_folder(settings.models_dir, FAMILY, settings.whisper_model)
    for name in ("model.bin", "tokenizer.json"):  # without its tokenizer the library would ask a hub for one
        if not (folder / name).is_file():
            raise EngineUnusable(f"{folder / name} is missing")
    return folder


class FasterWhisperRecogniser:
    """See `transcripts.engines.base.Recogniser`."""

    name = NAME
    quality: Quality = "production"

    def __init__(self, folder: Path, *, device: str, threads: int) -> None:
        """Load the model of `folder`. Raises EngineUnusable where it cannot be read."""
        os.environ["HF_HUB_OFFLINE"] = "1"
        from faster_whisper import WhisperModel

        kind = "int8" if device == "cpu" else "float16"
        try:
            self._model: Any = WhisperModel(
                str(folder), device=device, compute_type=kind, cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise EngineUnusable(f"the model in {folder} cannot be loaded: {error}") from error
        self.languages = frozenset(self._model.supported_languages)
        self.version = f"{version('faster-whisper')} {folder.name}"

    def transcribe(self, pcm: Sound, language: str, *, progress: Progress) -> list[Word]:
        """Words with the times of Whisper's cross-attention; stretches without speech are skipped."""
        require_language(self.name, self.languages, language)
        limit = pcm.size / SAMPLE_RATE
        segments, _ = self._model.transcribe(
            as_floats(pcm),
            language=language,
            word_timestamps=True,
            vad_filter=True,
            condition_on_previous_text=False,  # one misheard sentence must not colour the next ones
        )
        words: list[Word] = []
        done = 0.0
        for segment in segments:
            found = (word_within(w.word, w.start, w.end, w.probability, limit) for w in segment.words or ())
            words += [word for word in found if word]
            done = min(
                max(done, segment.end / limit), 1.0
            )  # segments may end before the one before them does
            progress(done)
        progress(1.0)
        return words
