"""Where somebody speaks: silero's voice activity network (v6, ONNX, shipped inside faster-whisper's wheel).

It found every sentence of four voices through Opus at 24 kbit/s, loud or 20 dB down, at several
hundred times real time on one core.
"""

import importlib.util
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from transcripts.engines.base import SAMPLE_RATE, Sound, Span, as_floats
from transcripts.errors import EngineUnusable

WINDOW = 512  # samples per decision: 32 ms, fixed by the network
CONTEXT = 64  # samples of the window before, which the network wants to see again
BLOCK = 1024 * WINDOW  # samples handed over at once: bounds the memory, whatever the track's length
FAINT_NOISE = np.random.default_rng(0).normal(0, 1e-4, WINDOW).astype(np.float32)
"""Added to what the network hears: after long exact zeros (a muted track) it notices speech 0.1 s late."""
SPEECH, SILENCE = 0.5, 0.35  # a span starts above the one, ends below the other (the network's own defaults)
PAUSE_S, PAD_S, SHORTEST_S = 0.35, 0.15, 0.1
LONGEST_S = 18.0  # an utterance beyond this loses words in pocketsphinx's pruning


def speech_spans(pcm: Sound, rate: int = SAMPLE_RATE, *, longest: float = LONGEST_S) -> list[Span]:
    """Stretches of speech with a little silence around them, in order, none longer than `longest` seconds.

    Raises ValueError for another rate than 16 kHz, EngineUnusable where the network's file is missing.
    """
    if rate != SAMPLE_RATE:
        raise ValueError(f"voice activity wants {SAMPLE_RATE} Hz, not {rate}")
    likely = speech_likelihood(pcm)
    pad = round(PAD_S * SAMPLE_RATE / WINDOW)
    padded = _padded(_joined(_runs(likely)), pad, likely.size)
    pieces = [
        piece for run in padded for piece in _pieces(run, likely, round(longest * SAMPLE_RATE / WINDOW))
    ]
    step, end = WINDOW / SAMPLE_RATE, pcm.size / SAMPLE_RATE
    return [Span(first * step, min(last * step, end)) for first, last in pieces]


def speech_likelihood(pcm: Sound, block: int = BLOCK) -> npt.NDArray[np.float32]:
    """How likely each window of 512 samples holds speech: (windows,), 0 to 1. block: a multiple of 512."""
    network = _network()
    state = (np.zeros((1, 1, 128), np.float32), np.zeros((1, 1, 128), np.float32))
    likely: list[npt.NDArray[np.float32]] = []
    for windows in _windows(pcm, block):
        out, *state = network.run(None, {"input": windows, "h": state[0], "c": state[1]})
        likely.append(np.asarray(out, np.float32).reshape(-1))
    return np.concatenate(likely) if likely else np.zeros(0, np.float32)


def _windows(pcm: Sound, size: int) -> Iterator[npt.NDArray[np.float32]]:
    """Blocks of windows with their context before them: (≤1024, 64 + 512), the last padded with silence."""
    tail = np.zeros(CONTEXT, np.float32)
    for at in range(0, pcm.size, size):
        block = as_floats(pcm[at : at + size])
        block = np.pad(block, (0, -block.size % WINDOW)).reshape(-1, WINDOW) + FAINT_NOISE
        before = np.concatenate([tail[None], block[:-1, -CONTEXT:]])
        tail = block[-1, -CONTEXT:]
        yield np.concatenate([before, block], axis=1)


@lru_cache(maxsize=1)
def _network() -> Any:
    """The ONNX session, one thread: it runs beside calls."""
    spec = importlib.util.find_spec("faster_whisper")  # found, not imported: only its file is wanted
    folders = list(spec.submodule_search_locations or ()) if spec else []
    path = next((p for p in (Path(f, "assets", "silero_vad_v6.onnx") for f in folders) if p.is_file()), None)
    if path is None:
        raise EngineUnusable(
            "voice activity needs the file in faster-whisper 1.2: pip install faster-whisper"
        )
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _runs(likely: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    """Half-open window ranges, entered above SPEECH and left below SILENCE."""
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for at, value in enumerate(likely.tolist()):
        if start is None and value >= SPEECH:
            start = at
        elif start is not None and value < SILENCE:
            runs.append((start, at))
            start = None
    return runs if start is None else [*runs, (start, likely.size)]


def _joined(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Runs across pauses shorter than PAUSE_S made one; what is then shorter than SHORTEST_S left out."""
    joined: list[tuple[int, int]] = []
    for first, last in runs:
        if joined and (first - joined[-1][1]) * WINDOW < PAUSE_S * SAMPLE_RATE:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return [(first, last) for first, last in joined if (last - first) * WINDOW >= SHORTEST_S * SAMPLE_RATE]


def _padded(runs: list[tuple[int, int]], pad: int, size: int) -> list[tuple[int, int]]:
    """Runs widened by `pad` windows on both sides, at most to the middle of the pause to the next one."""
    if not runs:
        return []
    edges = [0, *((one[1] + two[0]) // 2 for one, two in pairwise(runs)), size]
    return [
        (max(first - pad, low), min(last + pad, high))
        for (first, last), low, high in zip(runs, edges[:-1], edges[1:], strict=True)
    ]


def _pieces(run: tuple[int, int], likely: npt.NDArray[np.float32], longest: int) -> Iterator[tuple[int, int]]:
    """A run cut, while too long, where its second half is least likely speech."""
    first, last = run
    while last - first > longest:
        half = first + longest // 2
        at = half + int(np.argmin(likely[half : first + longest]))
        yield first, at
        first = at
    yield first, last
