"""Speech to test with: flite's voices, through Opus as in a call, and speech-like noise without words."""

import io
import shutil
import subprocess
import tempfile
import wave
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

Samples = npt.NDArray[np.int16]
RATE = 16_000

needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")

SENTENCES = (
    "good morning everyone and thank you for joining the meeting",
    "the first point on the agenda is the budget for next year",
    "i would like to know when the report will be ready",
    "we should send the document to the ministry before friday",
    "can you hear me now or should i change my microphone",
    "the new building will open in the middle of september",
    "please write down the decision and share it with the team",
    "how many people are going to work on this project",
)


@lru_cache(maxsize=64)
def say(text: str, voice: str) -> Samples:
    """One sentence of a flite voice, with its own short silences."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "said.wav")
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        with wave.open(str(path)) as file:
            assert file.getframerate() == RATE
            return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def say_all(sentences: tuple[str, ...], voice: str, pause_s: float = 1.0) -> Samples:
    """Sentences with pauses before, between and after them."""
    pause = silence(pause_s)
    return np.concatenate([pause, *(part for text in sentences for part in (say(text, voice), pause))])


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.int16)


def through_opus(pcm: Samples, bits_per_second: int = 24_000) -> Samples:
    """The same sound coded and decoded as a browser's microphone is: Opus, mono, 48 kHz."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=48_000, layout="mono", options={"application": "voip"})
        stream.bit_rate = bits_per_second
        frame = av.AudioFrame.from_ndarray(pcm[None, :], format="s16", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    file.seek(0)
    back = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(file) as coded:
        frames = [part for frame in coded.decode(audio=0) for part in back.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in [*frames, *back.resample(None)]])


def babble(seed: int, seconds: float, turns: list[tuple[float, float]], level: float = 0.1) -> Samples:
    """Speech-like noise within the turns (start, end in s), over a faint noise floor.

    Syllables of 120–300 ms whose spectra differ, so that band powers move as in speech.
    """
    rng = np.random.default_rng(seed)
    sound = rng.normal(0, 3e-4, round(seconds * RATE))
    for start, end in turns:
        at = round(start * RATE)
        while at < round(end * RATE):
            size = round(rng.uniform(0.12, 0.3) * RATE)
            noise = np.fft.rfft(rng.normal(0, 1, size))
            hz = np.fft.rfftfreq(size, 1 / RATE)
            peaks = sum(np.exp(-(((hz - peak) / 250) ** 2)) for peak in rng.uniform(200, 5000, 3))
            syllable = np.fft.irfft(noise * peaks, size) * np.hanning(size)
            syllable *= level * rng.uniform(0.4, 1) / (np.abs(syllable).max() + 1e-9) * 3
            stop = min(at + size, sound.size)
            sound[at:stop] += syllable[: stop - at]
            at += size
    return (np.clip(sound, -1, 1) * 32767).astype(np.int16)


def leak_into(target: Samples, source: Samples, decibels: float, delay_s: float) -> Samples:
    """The target's microphone hearing the source from a loudspeaker, so much quieter and later."""
    late = np.concatenate([silence(delay_s), source])[: target.size].astype(np.float64)
    return np.clip(target + late * 10 ** (decibels / 20), -32768, 32767).astype(np.int16)


def write_wav(path: Path, pcm: Samples, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.astype("<i2").tobytes())
    return path
