"""Where somebody speaks."""

from itertools import pairwise

import numpy as np
import pytest

from tests.transcripts.voices import SENTENCES, needs_flite, say, say_all, silence, through_opus
from transcripts.engines.voice_activity import speech_likelihood, speech_spans


def test_silence_holds_no_speech() -> None:
    assert speech_spans(silence(3)) == []
    assert speech_spans(silence(0)) == []


def test_another_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="not 48000"):
        speech_spans(silence(1), 48_000)


@needs_flite
def test_each_sentence_is_one_span_also_through_opus_and_quiet() -> None:
    pcm = through_opus(say_all(SENTENCES[:3], "slt"))
    loud, quiet = speech_spans(pcm), speech_spans((pcm // 10).astype(np.int16))
    assert len(loud) == len(quiet) == 3
    at = 1.0
    for span, text in zip(loud, SENTENCES, strict=False):
        length = say(text, "slt").size / 16_000
        assert at - 0.2 < span.start < span.end < at + length + 0.4
        assert span.length > 0.8 * length
        at += length + 1.0


@needs_flite
def test_speech_without_pause_is_cut_below_the_limit_and_nothing_is_lost() -> None:
    pcm = np.concatenate([say(text, "rms") for text in SENTENCES[:4]])
    whole, short = speech_spans(pcm), speech_spans(pcm, longest=3.0)
    assert max(span.length for span in short) <= 3.0
    assert all(before.end <= after.start for before, after in pairwise(short))
    assert sum(span.length for span in short) == pytest.approx(sum(span.length for span in whole))


@needs_flite
def test_blocks_give_what_one_piece_gives() -> None:
    """The network's state and context go on from block to block."""
    sentence = say(SENTENCES[0], "slt")
    whole, pieces = speech_likelihood(sentence), speech_likelihood(sentence, block=7 * 512)
    assert whole.max() > 0.9
    np.testing.assert_allclose(pieces, whole, atol=1e-4)
