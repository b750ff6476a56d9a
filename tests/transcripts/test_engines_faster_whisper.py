"""faster-whisper on a model of random weights: loading, refusing, timing; not what it understands."""

import hashlib
from pathlib import Path

import ctranslate2
import pytest

from tests.transcripts.tiny_whisper import make
from tests.transcripts.voices import SENTENCES, needs_flite, say_all, silence
from transcripts.engines.base import EngineSettings
from transcripts.engines.catalogue import choose, installed
from transcripts.engines.faster_whisper import load
from transcripts.engines.model_folder import WHISPER_LANGUAGES
from transcripts.errors import EngineUnusable, LanguageNotSpoken, ModelRefused


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    make(root / "faster-whisper" / "tiny", multilingual=True)
    make(root / "english" / "faster-whisper" / "tiny.en", multilingual=False)
    return root


def settings(root: Path) -> EngineSettings:
    return EngineSettings(order=("faster_whisper", "pocketsphinx"), models_dir=root)


@needs_flite
def test_french_is_recognised_where_a_model_lies_in_the_folder(models: Path) -> None:
    ctranslate2.set_random_seed(3)  # random weights are heard at a temperature, which draws words by lot
    assert choose("fr", settings(models)).name == "faster_whisper"
    recogniser = load(settings(models))
    assert (recogniser.name, recogniser.quality) == ("faster_whisper", "production")
    assert recogniser.version == "1.2.1 tiny"
    told: list[float] = []
    pcm = say_all(SENTENCES[:2], "slt")
    words = recogniser.transcribe(pcm, "fr", progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert words
    assert all(0 <= word.start <= word.end <= pcm.size / 16_000 for word in words)


def test_the_languages_told_without_loading_are_those_of_the_model(models: Path) -> None:
    assert load(settings(models)).languages == WHISPER_LANGUAGES
    assert installed(settings(models))[0].languages == WHISPER_LANGUAGES


def test_an_english_model_is_not_run_on_french(models: Path) -> None:
    english = settings(models / "english")
    assert installed(english)[0].languages == {"en"}
    with pytest.raises(LanguageNotSpoken):
        load(english).transcribe(silence(1), "fr", progress=lambda share: None)


def test_a_model_that_was_changed_is_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "faster-whisper" / "tiny.en", multilingual=False)
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in folder.iterdir()]
    (folder / "SHA256SUMS").write_text("".join(sums))
    assert load(settings(tmp_path)).languages == {"en"}
    with (folder / "model.bin").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")
    with pytest.raises(ModelRefused, match=r"model\.bin does not match"):
        load(settings(tmp_path))


def test_a_broken_model_is_one_clear_error(tmp_path: Path) -> None:
    folder = make(tmp_path / "faster-whisper" / "tiny.en", multilingual=False)
    (folder / "model.bin").write_bytes(b"nonsense")
    with pytest.raises(EngineUnusable, match="cannot be loaded"):
        load(settings(tmp_path))
    (folder / "tokenizer.json").unlink()
    with pytest.raises(EngineUnusable, match=r"tokenizer\.json is missing"):
        load(settings(tmp_path))
