"""PocketSphinx 5.1: real words and times after one command, without any download. English, demo quality.

Its wheel carries the American English model, which fixes noise removal and mean normalisation per utterance.
"""

import importlib.util
import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np

from transcripts.engines.base import (
    SAMPLE_RATE,
    EngineSettings,
    EngineStatus,
    Progress,
    Quality,
    Sound,
    Span,
    Word,
    as_floats,
    as_integers,
    cut,
    require_language,
)
from transcripts.engines.voice_activity import speech_spans

LANGUAGES = frozenset({"en"})
SILENCE_S = 0.2  # put before and after each utterance: the model wants to hear silence at both ends
PEAK = 0.7  # of full scale
QUIETEST = 1e-3  # of full scale: what peaks below is noise, and is not blown up
FRAME_S = 0.01
WEIGHTS = {"lw": 5.5, "fwdflatlw": 7.5, "bestpathlw": 8.0}
"""Of the language model in the three passes, a little below what is shipped (6.5, 8.5, 9.5): on 16 sentences
of four voices through Opus the word error rate fell from 7.7 to 5.8 %. Wider beams brought nothing more.
"""
FILLER = re.compile(r"<.*>|\[.*\]|\+\+.*")
"""Silence, noise and breath, which the model writes as words."""
VARIANT = re.compile(r"\(\d+\)$")
"""The mark of a second pronunciation: `the(2)`."""


def status(settings: EngineSettings) -> EngineStatus:
    """Usable wherever its wheel is installed."""
    missing = importlib.util.find_spec("pocketsphinx") is None
    reason = "not installed: pip install pocketsphinx" if missing else ""
    return EngineStatus("pocketsphinx", "demo", LANGUAGES, reason)


def load(settings: EngineSettings) -> "PocketsphinxRecogniser":
    """A recogniser; the model is read at each track (0.3 s), so that no track hears of the one before."""
    return PocketsphinxRecogniser()


class PocketsphinxRecogniser:
    """See `transcripts.engines.base.Recogniser`."""

    name = "pocketsphinx"
    quality: Quality = "demo"
    languages = LANGUAGES

    @property
    def version(self) -> str:
        """Version of the wheel, and so of the model in it."""
        return version("pocketsphinx")

    def transcribe(self, pcm: Sound, language: str, *, progress: Progress) -> list[Word]:
        """Words of all stretches of speech; each stretch is levelled and recognised by itself."""
        require_language(self.name, self.languages, language)
        spans = speech_spans(pcm)
        total, done = sum(span.length for span in spans), 0.0
        decoder = _decoder()
        words: list[Word] = []
        for span in spans:
            words += _recognised(decoder, cut(pcm, span), span)
            done += span.length
            progress(done / total)
        return words


def _decoder() -> Any:
    from pocketsphinx import Decoder

    return Decoder(samprate=SAMPLE_RATE, loglevel="FATAL", **WEIGHTS)


def _recognised(decoder: Any, sound: Sound, span: Span) -> Iterator[Word]:
    """The words of one utterance, at their times in the whole track."""
    silence = np.zeros(round(SILENCE_S * SAMPLE_RATE), np.int16)
    decoder.start_utt()
    decoder.process_raw(np.concatenate([silence, _levelled(sound), silence]).tobytes(), full_utt=True)
    decoder.end_utt()
    for segment in decoder.seg() or ():
        if FILLER.fullmatch(segment.word):
            continue
        # frames count from the added silence; the last frame is part of the word
        start = span.start - SILENCE_S + segment.start_frame * FRAME_S
        end = span.start - SILENCE_S + (segment.end_frame + 1) * FRAME_S
        start = min(max(start, span.start), span.end)
        text = VARIANT.sub("", segment.word)
        yield Word(text, start, min(max(end, start), span.end), min(max(float(segment.prob), 0.0), 1.0))


def _levelled(sound: Sound) -> Any:
    """One utterance brought to the same peak, as 16-bit integers."""
    floats = as_floats(sound)
    peak = float(np.abs(floats).max(initial=0.0))
    return as_integers(floats * np.float32(PEAK / max(peak, QUIETEST)))
