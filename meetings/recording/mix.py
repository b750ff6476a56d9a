"""Everybody's sound as one WebM file: decoded, summed, softly limited, encoded as Opus."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.stream import AudioStream

from .clocks import read_clocks
from .log import read_log
from .opus import SAMPLE_RATE
from .replacing import replacing
from .sound import Samples, decode_track
from .timeline import Timeline
from .webm import MediaInfo, Progress

BIT_RATE: Final = 64_000
_KNEE: Final = 0.7


def mix_sound(
    tracks: Sequence[Path], key: bytes, timeline: Timeline, out: Path, progress: Progress
) -> MediaInfo:
    """Mixes the audio logs among `tracks` into `out`, which appears whole or not at all.

    Holds about a second of each track in memory. Without any audio log the file is silent. `progress`
    hears 0 … 1. Raises UnsupportedMedia, OSError, RecordLogError.
    """
    progress(0.0)
    clocks = read_clocks(tracks, key, timeline)
    audio = [path for path in tracks if read_log(path, key).header.kind == "audio"]
    sounds = [decode_track(p, key, timeline, rate=SAMPLE_RATE, clock=clocks[p]) for p in audio]
    with replacing(out) as part:
        _encode(part, _summed(sounds, timeline), timeline, progress)
        size = part.stat().st_size
    progress(1.0)
    return MediaInfo(timeline.duration, False, bool(audio), 0, 0, size)


def limit(samples: Samples) -> Samples:
    """Leaves samples up to ±0.7 as they are, and bends louder ones so that they stay below ±1."""
    loudness = np.abs(samples)
    bent = _KNEE + (1 - _KNEE) * np.tanh((loudness - _KNEE) / (1 - _KNEE))
    return np.where(loudness <= _KNEE, samples, np.copysign(bent, samples)).astype(np.float32)


def _summed(sounds: Sequence[Iterator[Samples]], timeline: Timeline) -> Iterator[Samples]:
    if not sounds:
        total = timeline.samples(SAMPLE_RATE)
        sounds = [(np.zeros(min(SAMPLE_RATE, total - at), np.float32) for at in range(0, total, SAMPLE_RATE))]
    for blocks in zip(*sounds, strict=True):
        yield limit(np.sum(blocks, axis=0, dtype=np.float32))


def _encode(part: Path, blocks: Iterable[Samples], timeline: Timeline, progress: Progress) -> None:
    total, done = timeline.samples(SAMPLE_RATE), 0
    with av.open(str(part), "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono", bit_rate=BIT_RATE)
        assert isinstance(stream, AudioStream)
        for block in blocks:
            frame = av.AudioFrame.from_ndarray(block[np.newaxis], format="flt", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), done
            container.mux(stream.encode(frame))
            done += len(block)
            progress(min(1.0, done / total))
        container.mux(stream.encode(None))
