"""WhisperX: what is said where it is not installed; where it is, its whole chain on random models."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from tests.transcripts.tiny_whisper import make
from tests.transcripts.voices import SENTENCES, needs_flite, say_all
from transcripts.engines.base import EngineSettings
from transcripts.engines.whisperx import _placed, load, status
from transcripts.errors import EngineUnusable, LanguageNotSpoken

INSTALLED = importlib.util.find_spec("whisperx") is not None


@pytest.mark.skipif(INSTALLED, reason="whisperx is installed")
def test_it_says_what_to_install(tmp_path: Path) -> None:
    state = status(EngineSettings(models_dir=tmp_path))
    assert state.reason == "not installed: pip install --no-deps -r requirements-whisperx.txt"
    assert Path(__file__).parents[2].joinpath("requirements-whisperx.txt").is_file()
    with pytest.raises(EngineUnusable, match="not installed"):
        load(EngineSettings(models_dir=tmp_path))


@pytest.mark.skipif(not INSTALLED, reason="whisperx is not installed")
@pytest.mark.filterwarnings("default")  # torch, lightning and pyannote warn of each other
@needs_flite
def test_the_whole_chain_runs_offline(tmp_path: Path) -> None:
    make(tmp_path / "faster-whisper" / "tiny", multilingual=True)
    settings = EngineSettings(order=("whisperx",), models_dir=tmp_path)
    assert "alignment model" in status(settings).reason
    make_aligner(tmp_path / "align" / "fr")
    assert status(settings).languages == {"fr"}
    recogniser = load(settings)
    told: list[float] = []
    pcm = say_all(SENTENCES[:1], "slt")
    words = recogniser.transcribe(pcm, "fr", progress=told.append)
    assert all(0 <= word.start <= word.end <= pcm.size / 16_000 for word in words)
    assert told == sorted(told)
    assert 0.6 <= told[-1] <= 1.0
    with pytest.raises(LanguageNotSpoken):
        recogniser.transcribe(pcm, "en", progress=told.append)


def make_aligner(folder: Path) -> None:
    """A wav2vec2 model of random weights that knows the letters."""
    import transformers

    folder.mkdir(parents=True)
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz'"]
    (folder / "vocab.json").write_text(json.dumps({letter: at for at, letter in enumerate(letters)}))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json"), word_delimiter_token="|")
    extractor = transformers.Wav2Vec2FeatureExtractor()
    transformers.Wav2Vec2Processor(feature_extractor=extractor, tokenizer=tokenizer).save_pretrained(
        str(folder)
    )
    config = transformers.Wav2Vec2Config(
        vocab_size=len(letters),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
    )
    transformers.Wav2Vec2ForCTC(config).save_pretrained(str(folder))


def test_words_without_times_lie_between_their_neighbours() -> None:
    words: list[dict[str, Any]] = [
        {"word": "en"},
        {"word": "mars", "start": 1.5, "end": 2.0, "score": 0.8},
        {"word": "2026"},
        {"word": "enfin", "start": 3.0, "end": 9.0, "score": 0.5},
    ]
    placed = list(_placed([{"start": 1.0, "end": 4.0, "words": words}], limit=4.0))
    assert [(word.text, word.start, word.end) for word in placed] == [
        ("en", 1.0, 1.5),
        ("mars", 1.5, 2.0),
        ("2026", 2.0, 3.0),
        ("enfin", 3.0, 4.0),
    ]
    assert [word.confidence for word in placed] == [None, 0.8, None, 0.5]
