"""WhisperX 3.8: Whisper on stretches of speech, then every word aligned by a wav2vec2 model.

Models come from the models folder only: `faster-whisper/NAME` (CTranslate2) and `align/LANGUAGE` (wav2vec2
with a CTC head, in transformers' format). The voice activity model lies in whisperx's own wheel.
"""

import importlib.util
import os
import tempfile
from collections.abc import Iterable, Iterator
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
from transcripts.engines.torchaudio_without_cuda import prepare
from transcripts.errors import EngineUnusable

NAME = "whisperx"
BATCH = 8  # stretches of speech recognised at once
ALIGNED_FROM = 0.6  # share of the progress told when recognition is done and alignment begins
PUNKT_TABLES = ("collocations.tab", "sent_starters.txt", "abbrev_types.txt", "ortho_context.tab")


def status(settings: EngineSettings) -> EngineStatus:
    """Usable where the package, a Whisper model and at least one language's aligner are there."""
    try:
        folder = _whisper_folder(settings)
        return EngineStatus(NAME, "production", whisper_languages(folder) & _aligners(settings).keys())
    except EngineUnusable as error:
        return EngineStatus(NAME, "production", WHISPER_LANGUAGES, str(error))


def load(settings: EngineSettings) -> "WhisperxRecogniser":
    """Check the files; the models are loaded at the first use. Raises EngineUnusable, ModelRefused."""
    folder = _whisper_folder(settings)
    check_sums(folder)
    return WhisperxRecogniser(folder, _aligners(settings), device=settings.device, threads=settings.threads)


def _whisper_folder(settings: EngineSettings) -> Path:
    if importlib.util.find_spec("whisperx") is None:
        raise EngineUnusable("not installed: pip install --no-deps -r requirements-whisperx.txt")
    return model_folder(settings.models_dir, "faster-whisper", settings.whisper_model)


def _aligners(settings: EngineSettings) -> dict[str, Path]:
    """Folder of the alignment model of each language."""
    root = Path(settings.models_dir or "") / "align"
    found = {path.name: path for path in root.iterdir() if path.is_dir()} if root.is_dir() else {}
    if not found:
        raise EngineUnusable(
            f"no alignment model in {root}: put one folder per language there, such as {root / 'fr'}"
        )
    return found


class WhisperxRecogniser:
    """See `transcripts.engines.base.Recogniser`."""

    name = NAME
    quality: Quality = "production"

    def __init__(self, folder: Path, aligners: dict[str, Path], *, device: str, threads: int) -> None:
        self._folder, self._aligners, self._device, self._threads = folder, aligners, device, threads
        self.languages = whisper_languages(folder) & aligners.keys()
        self.version = f"{version('whisperx')} {folder.name}"

    def transcribe(self, pcm: Sound, language: str, *, progress: Progress) -> list[Word]:
        """Words with aligned times; one that the aligner cannot place lies between its neighbours."""
        require_language(self.name, self.languages, language)
        check_sums(self._aligners[language])
        whisperx = _whisperx()
        sound = as_floats(pcm)
        segments = self._recognised(whisperx, sound, language, progress)
        if not segments:
            return []
        model, about = whisperx.load_align_model(
            language, self._device, model_name=str(self._aligners[language]), model_cache_only=True
        )
        with tempfile.TemporaryDirectory() as folder:
            _offer_sentence_tables(Path(folder), language)
            aligned = whisperx.align(
                segments,
                model,
                about,
                sound,
                self._device,
                progress_callback=lambda part: progress(ALIGNED_FROM + part / 100 * (1 - ALIGNED_FROM)),
            )
        return list(_placed(aligned["segments"], sound.size / SAMPLE_RATE))

    def _recognised(
        self, whisperx: Any, sound: Any, language: str, progress: Progress
    ) -> list[dict[str, Any]]:
        """Whisper's segments: text with rough times."""
        try:
            model = whisperx.load_model(
                str(self._folder),
                self._device,
                compute_type="int8" if self._device == "cpu" else "float16",
                language=language,
                vad_method="pyannote",  # its model lies in the wheel; silero's would be fetched from a hub
                threads=self._threads,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise EngineUnusable(f"the model in {self._folder} cannot be loaded: {error}") from error
        told = model.transcribe(
            sound,
            batch_size=BATCH,
            language=language,
            progress_callback=lambda part: progress(part / 100 * ALIGNED_FROM),
        )
        found: list[dict[str, Any]] = told["segments"]
        return found


def _whisperx() -> Any:
    """The library, imported late (it takes seconds), with every way to the network closed."""
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", PYANNOTE_METRICS_ENABLED="false")
    prepare()
    import whisperx

    return whisperx


def _offer_sentence_tables(folder: Path, language: str) -> None:
    """Put empty tables where NLTK looks for its sentence splitter, which whisperx would download otherwise.

    Only the grouping of words into sentences hangs on them, and turns are grouped by pauses.
    """
    import nltk
    from whisperx.alignment import PUNKT_LANGUAGES

    tables = folder / "tokenizers" / "punkt_tab" / PUNKT_LANGUAGES.get(language, "english")
    tables.mkdir(parents=True)
    for name in PUNKT_TABLES:
        (tables / name).touch()
    nltk.data.path[:] = [str(folder)]


def _placed(segments: Iterable[dict[str, Any]], limit: float) -> Iterator[Word]:
    """The words of all segments; those without times (figures, signs) put between their neighbours."""
    for segment in segments:
        words = segment.get("words", [])
        starts = [word.get("start") for word in words]
        reached = segment["start"]
        for at, word in enumerate(words):
            following = next((start for start in starts[at:] if start is not None), segment["end"])
            start, end = word.get("start", reached), word.get("end", following)
            placed = word_within(word["word"], start, end, word.get("score"), limit)
            if placed:
                reached = placed.end
                yield placed
