"""What leaks from a loudspeaker into another person's microphone, and what must never be touched."""

from pathlib import Path

import numpy as np
import pytest

from tests.transcripts.voices import (
    SENTENCES,
    Samples,
    babble,
    leak_into,
    needs_flite,
    say_all,
    silence,
    through_opus,
    write_wav,
)
from transcripts.engines.base import Span
from transcripts.engines.voice_activity import speech_spans
from transcripts.pipeline.child import muted
from transcripts.pipeline.gate import PlacedTrack, leaked_spans

FIRST = [(1.0, 5.0), (11.0, 15.0), (21.0, 24.0)]
SECOND = [(6.0, 10.0), (16.0, 20.0), (25.0, 29.0)]


def gated(
    folder: Path, *tracks: Samples, offsets: tuple[float, ...] = (), same: bool = False
) -> list[list[Span]]:
    placed = [
        PlacedTrack(write_wav(folder / f"{at}.wav", pcm), offset, "one" if same else str(at))
        for at, (pcm, offset) in enumerate(zip(tracks, offsets or (0.0,) * len(tracks), strict=True))
    ]
    return leaked_spans(placed)


def covered(spans: list[Span], turns: list[tuple[float, float]]) -> float:
    """Seconds of the turns that the spans cover."""
    return sum(max(0.0, min(s.end, end) - max(s.start, start)) for s in spans for start, end in turns)


@pytest.mark.parametrize("seed", range(6))
def test_two_separate_rooms_are_left_alone(tmp_path: Path, seed: int) -> None:
    """Also where one microphone is much quieter, and both speak at once."""
    loud = babble(2 * seed, 30, [(1, 8), (12, 18), (22, 28)])
    quiet = babble(2 * seed + 1, 30, [(6, 14), (17, 24)], level=0.01)
    spans = gated(tmp_path, loud, quiet)
    assert spans == [[], []]
    assert muted(quiet, spans[1]) is quiet


@pytest.mark.parametrize("decibels", [-30, -20, -15])
def test_a_leak_is_silenced_and_own_speech_kept(tmp_path: Path, decibels: float) -> None:
    one, two = babble(1, 30, FIRST), babble(2, 30, SECOND)
    heard = through_opus(leak_into(one, two, decibels, 0.06))[: one.size]
    in_one, in_two = gated(tmp_path, heard, through_opus(two))
    assert covered(in_one, SECOND) > 0.9 * 12
    assert covered(in_one, FIRST) == 0
    assert in_two == []


def test_offsets_place_the_tracks_on_one_clock(tmp_path: Path) -> None:
    one, two = babble(1, 30, FIRST), babble(2, 30, SECOND)
    late = leak_into(one, two, -20, 0.06)[5 * 16_000 :]
    in_late, _ = gated(tmp_path, late, two, offsets=(5.0, 0.0))
    assert covered(in_late, [(start - 5, end - 5) for start, end in SECOND]) > 0.9 * 12
    assert covered(in_late, [(start - 5, end - 5) for start, end in FIRST]) == 0


def test_two_tracks_of_one_person_are_not_compared(tmp_path: Path) -> None:
    one, two = babble(1, 30, FIRST), babble(2, 30, SECOND)
    leaky = leak_into(one, two, -20, 0.06)
    assert gated(tmp_path, leaky, two, same=True) == [[], []]
    assert gated(tmp_path, leaky, two)[0]


def test_a_muted_or_empty_track_stays_as_it_is(tmp_path: Path) -> None:
    assert gated(tmp_path, babble(1, 30, FIRST), silence(30), silence(0)) == [[], [], []]


@needs_flite
def test_of_leaked_sentences_no_speech_is_left(tmp_path: Path) -> None:
    own = np.concatenate([say_all(SENTENCES[:3], "slt"), silence(12)])
    other = np.concatenate([silence(own.size / 16_000 - 12), say_all(SENTENCES[4:7], "rms")])[: own.size]
    leaky = leak_into(own, other, -20, 0.08)
    in_own, _ = gated(tmp_path, leaky, other)
    assert len(speech_spans(leaky)) > 3
    assert len(speech_spans(muted(leaky, in_own))) == 3
