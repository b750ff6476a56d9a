"""The embedded recogniser, on speech that went through Opus."""

from itertools import pairwise

import jiwer
import pytest

from tests.transcripts.voices import SENTENCES, needs_flite, say, say_all, silence, through_opus
from transcripts.engines.base import EngineSettings
from transcripts.engines.pocketsphinx import load
from transcripts.errors import LanguageNotSpoken


@needs_flite
@pytest.mark.parametrize("voice", ["slt", "rms"])
def test_word_error_rate_through_opus(voice: str) -> None:
    told: list[float] = []
    words = load(EngineSettings()).transcribe(
        through_opus(say_all(SENTENCES, voice)), "en", progress=told.append
    )
    assert jiwer.wer(" ".join(SENTENCES), " ".join(word.text for word in words)) <= 0.06
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    assert all(before.start <= after.start for before, after in pairwise(words))
    assert not [word.text for word in words if set(word.text) & set("<>[]()+")]
    assert all(word.confidence is not None and 0 <= word.confidence <= 1 for word in words)


@needs_flite
def test_words_have_their_true_times_however_late_they_are_said() -> None:
    sentence = SENTENCES[1]
    length = say(sentence, "rms").size / 16_000
    words = load(EngineSettings()).transcribe(
        say_all((sentence,), "rms", pause_s=40.0), "en", progress=lambda share: None
    )
    assert [word.text for word in words][-3:] == ["for", "next", "year"]
    assert words[0].start == pytest.approx(40.0, abs=0.3)
    assert words[-1].end == pytest.approx(40.0 + length, abs=0.4)


def test_silence_gives_no_word() -> None:
    assert load(EngineSettings()).transcribe(silence(2), "en", progress=lambda share: None) == []


def test_french_is_refused_before_anything_is_recognised() -> None:
    told: list[float] = []
    with pytest.raises(LanguageNotSpoken, match="fr"):
        load(EngineSettings()).transcribe(silence(2), "fr", progress=told.append)
    assert told == []
