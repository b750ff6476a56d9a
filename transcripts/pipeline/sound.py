"""Reads a track's 16 kHz mono 16-bit WAV file, whole or in blocks."""

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from transcripts.engines.base import SAMPLE_RATE
from transcripts.errors import SoundUnreadable

Samples = npt.NDArray[np.int16]


def read(path: Path) -> Samples:
    """All samples: (samples,). An hour takes 115 MB. Raises SoundUnreadable."""
    with _opened(path) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def blocks(path: Path, samples: int) -> Iterator[Samples]:
    """The samples in pieces of at most `samples`. Raises SoundUnreadable."""
    with _opened(path) as file:
        while data := file.readframes(samples):
            yield np.frombuffer(data, "<i2")


def length(path: Path) -> float:
    """Seconds of sound. Raises SoundUnreadable."""
    with _opened(path) as file:
        return file.getnframes() / SAMPLE_RATE


@contextmanager
def _opened(path: Path) -> Iterator[wave.Wave_read]:
    try:
        with wave.open(str(path)) as file:
            shape = (file.getframerate(), file.getnchannels(), file.getsampwidth())
            if shape != (SAMPLE_RATE, 1, 2):
                raise SoundUnreadable(
                    f"{path.name}: {shape[0]} Hz × {shape[1]}, {shape[2] * 8} bit: not a track"
                )
            yield file
    except (OSError, EOFError, wave.Error, ValueError) as error:
        raise SoundUnreadable(f"{path.name} cannot be read: {error}") from error
