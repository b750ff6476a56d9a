"""Which engine is chosen, and what is said where there is none."""

from pathlib import Path

import pytest

from transcripts.engines.base import EngineSettings
from transcripts.engines.catalogue import base_language, choose, installed, load
from transcripts.errors import EngineUnusable, NoEngineForLanguage


def test_english_falls_to_the_embedded_engine(tmp_path: Path) -> None:
    settings = EngineSettings(order=("faster_whisper", "pocketsphinx"), models_dir=tmp_path)
    recogniser = load(choose("en-GB", settings).name, settings)
    assert (recogniser.name, recogniser.quality, recogniser.languages) == ("pocketsphinx", "demo", {"en"})
    assert recogniser.version.startswith("5.")


def test_french_without_a_french_engine_says_what_to_install(tmp_path: Path) -> None:
    settings = EngineSettings(order=("faster_whisper", "remote", "pocketsphinx"), models_dir=tmp_path)
    with pytest.raises(NoEngineForLanguage) as caught:
        choose("fr_FR", settings)
    assert caught.value.language == "fr"
    assert str(tmp_path / "faster-whisper") in caught.value.reasons["faster_whisper"]
    assert "VISIO_REMOTE_SPEECH_URL" in caught.value.reasons["remote"]
    assert caught.value.reasons["pocketsphinx"] == "speaks only en"
    assert "“fr”" in str(caught.value)


def test_the_order_decides() -> None:
    remote = {"remote_url": "http://speech.example/v1/audio/transcriptions", "remote_languages": ("en", "fr")}
    first = EngineSettings(order=("remote", "pocketsphinx"), **remote)
    last = EngineSettings(order=("pocketsphinx", "remote"), **remote)
    assert [choose("en", settings).name for settings in (first, last)] == ["remote", "pocketsphinx"]
    assert choose("fr", last).name == "remote"


def test_states_name_every_engine_of_the_order() -> None:
    states = {state.name: state for state in installed(EngineSettings())}
    assert list(states) == ["whisperx", "faster_whisper", "pocketsphinx"]
    assert states["pocketsphinx"].usable
    assert "VISIO_MODELS_DIR" in states["faster_whisper"].reason
    assert not states["faster_whisper"].usable


def test_an_unknown_engine_is_told_from_a_missing_one() -> None:
    with pytest.raises(EngineUnusable, match="no engine “sphinx”"):
        choose("en", EngineSettings(order=("sphinx",)))


def test_regions_do_not_matter() -> None:
    assert [base_language(code) for code in ("fr", "fr-FR", "FR_ca")] == ["fr"] * 3
