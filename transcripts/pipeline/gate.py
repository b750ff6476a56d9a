"""Keeps one person's speech, leaked from a loudspeaker into another's microphone, out of the other's track.

Works on band powers of simultaneous tracks. A pair of tracks is touched only where there is evidence of a
leak: while one is loud, the other follows its band powers, a constant number of decibels lower, a little
later. Then the frames that this leak explains are named, so that they can be silenced. Tracks that follow
no other stay untouched, sample for sample.

Limits: one delay and one gain per band and pair, so leaks stronger than LOUDEST_LEAK or gains that wander
within a recording by more than about 3 dB pass; so do leaks under the person's own speech; leaks that
arrive more than LEAD before their original (badly aligned clocks) are not found; two people in one room who
both speak into both microphones are told apart by level alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
import numpy.typing as npt

from transcripts.engines.base import SAMPLE_RATE, Span
from transcripts.pipeline import sound

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

WINDOW, HOP = 512, 256  # samples; a frame every 16 ms
BANDS, LOW_HZ, HIGH_HZ = 20, 150.0, 7000.0
BLOCK = 4096 * HOP  # samples read at once
FLOOR = 4e-5  # power of a frame that holds only the noise of one 16-bit step: muted, or lost packets filled
LEAD, LAG = 6, 30  # frames: a leak is looked for from 96 ms before its original to 480 ms after
FEWEST = 190  # frames (3 s) of one person speaking alone, below which a leak cannot be told from chance
MOST = 4000  # frames looked at per pair, spread over the meeting: bounds time and memory
FOLLOWS = 0.6  # correlation of band powers over time above which a track follows another …
FOLLOWS_ALWAYS = 0.4  # … and in each third of the time: two people may say the same once
LOUDEST_LEAK = 10**-0.6  # −6 dB: a track that hears another better than this is not judged by level
LEAK_MARGIN, NOISE_MARGIN = (
    4.0,
    3.0,
)  # above these multiples of leak and noise a band holds the person's own speech
OWN_BANDS = 5  # bands that must, for a frame to be kept
SMOOTHED = 5  # frames
TAIL = 0.72  # what is left of a sound's power in the next frame: a room with 0.3 s of reverberation
SHORTEST, GUARD = 8, 5  # frames: shorter leaks are left in; so much beside a person's own speech is kept


@dataclass(frozen=True, slots=True)
class PlacedTrack:
    """A track's file, the seconds from the recording's start to its first sample, and whose it is."""

    path: Path
    offset: float
    speaker_id: str


@dataclass(frozen=True, slots=True)
class Leak:
    """How one track turns up in another: frames later, and power per band (BANDS,)."""

    lag: int
    gains: Floats


def leaked_spans(tracks: Sequence[PlacedTrack]) -> list[list[Span]]:
    """Per track, the stretches that hold only somebody else's speech, in seconds of that track.

    Tracks of one speaker are never compared with each other. Raises SoundUnreadable.
    """
    frames = [band_powers(track.path) for track in tracks]
    starts = [round(track.offset * SAMPLE_RATE / HOP) for track in tracks]
    explained = [np.zeros(len(power), bool) for power in frames]
    for to, by in permutations(range(len(tracks)), 2):
        if tracks[to].speaker_id != tracks[by].speaker_id:
            source = _moved(frames[by], starts[by] - starts[to], len(frames[to]))
            explained[to] |= leaked_frames(source, frames[to])
    step = HOP / SAMPLE_RATE
    return [[Span(first * step, last * step) for first, last in _runs(flags)] for flags in explained]


def leaked_frames(source: Floats, target: Floats) -> Flags:
    """Frames of the target that a leak of the source explains; both (frames, BANDS), on one clock."""
    leak = find_leak(source, target)
    if leak is None:
        return np.zeros(len(target), bool)
    expected = _moved(_ringing(source - _noise(source)), leak.lag, len(target)) * leak.gains
    noise = _noise(target)
    own = (target > LEAK_MARGIN * expected + NOISE_MARGIN * noise).sum(axis=1) >= OWN_BANDS
    heard = (expected > noise).sum(axis=1) >= OWN_BANDS
    return _opened(heard & ~_widened(own, GUARD), SHORTEST)


def find_leak(source: Floats, target: Floats) -> Leak | None:
    """The leak of source into target, or None where the target does not follow the source."""
    chosen = _source_alone(source, target) if min(len(source), len(target)) > FEWEST else np.zeros(0, np.intp)
    if chosen.size < FEWEST:
        return None
    chosen = chosen[:: -(-chosen.size // MOST)]
    clean = _ringing(np.maximum(source - _noise(source), FLOOR / BANDS))
    heard = np.maximum(target[chosen] - _noise(target), FLOOR / BANDS)
    lags = range(-LEAD, LAG + 1)
    pasts = [clean[np.clip(chosen - lag, 0, len(clean) - 1)] for lag in lags]
    follows = [_correlation(past, heard) for past in pasts]
    best = int(np.argmax(follows))
    thirds = zip(np.array_split(pasts[best], 3), np.array_split(heard, 3), strict=True)
    gains = np.median(heard / pasts[best], axis=0).astype(np.float32)
    if follows[best] < FOLLOWS or min(_correlation(*third) for third in thirds) < FOLLOWS_ALWAYS:
        return None
    if float(np.median(gains)) > LOUDEST_LEAK:
        return None
    return Leak(lags[best], gains)


def band_powers(path: Path) -> Floats:
    """Mel band powers of a track, whose samples count ±1: (frames, BANDS), a frame every 16 ms."""
    filters, window = _mel_filters(), np.hanning(WINDOW).astype(np.float32)
    kept = np.zeros(0, np.float32)
    parts: list[Floats] = [np.zeros((0, BANDS), np.float32)]
    for block in sound.blocks(path, BLOCK):
        kept = np.concatenate([kept, block.astype(np.float32) / 32768])
        if kept.size >= WINDOW:
            frames = np.lib.stride_tricks.sliding_window_view(kept, WINDOW)[::HOP]
            parts.append((np.abs(np.fft.rfft(frames * window)) ** 2 @ filters).astype(np.float32))
            kept = kept[len(frames) * HOP :]
    return np.concatenate(parts)


def _mel_filters() -> Floats:
    """Triangles, evenly spaced in mel (2595 log10(1 + Hz / 700)): (WINDOW // 2 + 1, BANDS)."""
    low, high = 2595 * np.log10(1 + np.array([LOW_HZ, HIGH_HZ]) / 700)
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    hz = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE)[:, None]
    rising = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)


def _noise(power: Floats) -> Floats:
    """Power per band of the microphone when nobody speaks: (frames, BANDS) → (BANDS,)."""
    live = power[power.sum(axis=1) > FLOOR]
    if len(live) <= SMOOTHED:
        return np.full(BANDS, FLOOR / BANDS, np.float32)
    sums = np.cumsum(
        live, axis=0, dtype=np.float64
    )  # of single frames the low percentiles are far below the mean
    low = np.percentile((sums[SMOOTHED:] - sums[:-SMOOTHED]) / SMOOTHED, 2, axis=0)
    return np.maximum(low, FLOOR / BANDS).astype(np.float32)


def _source_alone(source: Floats, target: Floats) -> npt.NDArray[np.intp]:
    """Frames in which the source speaks, and the target's microphone is open and less loud."""
    level, other = source.sum(axis=1), target.sum(axis=1)
    speaking = level > max(10 * float(_noise(source).sum()), 0.03 * float(np.percentile(level, 95)))
    return np.flatnonzero(
        _widened(speaking, LAG // 3) & (other > FLOOR) & (other < _ringing(source).sum(axis=1))
    )


def _correlation(past: Floats, heard: Floats) -> float:
    """How well the decibels of one follow the other over time, all bands together: −1 to 1."""
    one, two = np.log(past), np.log(heard)
    one, two = one - one.mean(axis=0), two - two.mean(axis=0)
    return float((one * two).sum() / np.sqrt((one**2).sum() * (two**2).sum() + 1e-9))


def _ringing(power: Floats) -> Floats:
    """Powers that die away as in a room instead of ending: (frames, BANDS)."""
    rung = np.maximum(power, 0)
    for at in range(1, LAG // 3):
        rung[at:] = np.maximum(rung[at:], np.maximum(power[:-at], 0) * TAIL**at)
    return rung


def _moved(power: Floats, by: int, frames: int) -> Floats:
    """The same powers `by` frames later, on a clock of `frames` frames; silence where there is nothing."""
    moved = np.zeros((frames, BANDS), np.float32)
    first, last = max(by, 0), min(by + len(power), frames)
    if first < last:
        moved[first:last] = power[first - by : last - by]
    return moved


def _widened(flags: Flags, frames: int) -> Flags:
    """True also within so many frames of a true one."""
    counts = np.concatenate([[0], np.cumsum(np.pad(flags, frames))])
    return np.asarray(counts[2 * frames + 1 :] > counts[: -2 * frames - 1])


def _opened(flags: Flags, shortest: int) -> Flags:
    """Without the true stretches shorter than `shortest`."""
    kept = np.zeros_like(flags)
    for first, last in _runs(flags):
        kept[first:last] = last - first >= shortest
    return kept


def _runs(flags: Flags) -> list[tuple[int, int]]:
    """Half-open frame ranges of the true stretches."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
