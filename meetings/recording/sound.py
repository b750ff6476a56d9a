"""Sound of record logs as PCM on the common timeline, in blocks of one second.

All arrays are mono float32 in [-1, 1]. Where nothing was sent (muted, not yet joined, lost, DTX) samples
are exactly zero.
"""

import wave
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from .clocks import TrackClock, read_clocks
from .depacketize import OpusPacket, opus_packets
from .errors import UnsupportedMedia
from .log import read_log
from .opus import SAMPLE_RATE, duration_samples, is_untransmitted
from .replacing import replacing
from .timeline import Timeline

Samples = NDArray[np.float32]

BLOCK: Final = SAMPLE_RATE
# Packets this near their expected place continue the run before them: a jump would be heard.
_CONTINUES: Final = SAMPLE_RATE * 20 // 1000
# ... but are stretched or squeezed by one sample, unheard, once further off than this.
_SLACK: Final = SAMPLE_RATE // 2000
_TAPS_PER_STEP: Final = 32


def decode_track(
    path: Path, key: bytes, timeline: Timeline, *, rate: int = 16_000, clock: TrackClock | None = None
) -> Iterator[Samples]:
    """The whole timeline of one audio log at `rate` Hz (a divisor of 48,000), in blocks.

    Together the blocks have `timeline.samples(rate)` samples. `clock` is the track's from `read_clocks`
    over all logs of the meeting; without it the log's own reports must do. Raises UnsupportedMedia for
    what is not Opus, OSError and RecordLogError.
    """
    if SAMPLE_RATE % rate:
        raise ValueError(f"{rate} Hz does not divide {SAMPLE_RATE} Hz")
    blocks = _decode(path, key, timeline, clock)
    return blocks if rate == SAMPLE_RATE else _downsample(blocks, SAMPLE_RATE // rate, timeline.samples(rate))


def write_wav(out: Path, blocks: Iterable[Samples], rate: int) -> None:
    """Writes blocks as 16-bit mono WAV; `out` appears whole or not at all."""
    with replacing(out) as part, wave.open(str(part), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        for block in blocks:
            file.writeframes(np.clip(np.rint(block * 32767), -32768, 32767).astype("<i2").tobytes())


def _decode(path: Path, key: bytes, timeline: Timeline, clock: TrackClock | None) -> Iterator[Samples]:
    log = read_log(path, key)
    if log.header.mime.lower() != "audio/opus":
        raise UnsupportedMedia(f"{log.header.mime} sound cannot be decoded; Opus can")
    clock = clock or read_clocks([path], key, timeline)[path]
    packets = opus_packets(log.records, log.header.clock_rate)
    return place(_chunks(packets, clock), timeline.samples(SAMPLE_RATE))


def _chunks(packets: Iterable[OpusPacket], clock: TrackClock) -> Iterator[tuple[int, Samples]]:
    """Decoded packets with the sample at which each begins."""
    decoder = av.CodecContext.create("libopus", "r")
    for packet in packets:
        if duration_samples(packet.payload) is None or is_untransmitted(packet.payload):
            continue
        try:
            frames = decoder.decode(av.Packet(packet.payload))
        except av.FFmpegError:
            continue
        parts = [_mono(frame) for frame in frames if isinstance(frame, av.AudioFrame)]
        if parts:
            yield round(clock.seconds(packet.timestamp) * SAMPLE_RATE), np.concatenate(parts)


def _mono(frame: av.AudioFrame) -> Samples:
    """Mean over channels of a decoded frame, from whatever sample format the decoder chose."""
    data = frame.to_ndarray()
    scale = 32768.0 if data.dtype == np.int16 else 1.0
    if not frame.format.is_planar:
        data = data.reshape(-1, frame.layout.nb_channels).T
    return np.asarray(data.astype(np.float32).mean(axis=0) / scale, dtype=np.float32)


def place(chunks: Iterable[tuple[int, Samples]], total: int) -> Iterator[Samples]:
    """Lays chunks, in order of time, on a silent timeline of `total` samples; yields it in blocks.

    What sticks out at either end is cut; a chunk that overlaps its predecessor loses its beginning.
    """
    base, cursor = 0, -(1 << 62)
    block = np.zeros(min(BLOCK, total), np.float32)
    for expected, samples in chunks:
        start, samples = _join(cursor, expected, samples)
        cursor = start + len(samples)
        start, samples = max(start, 0), samples[max(0, -start) :]
        while len(samples) and start < total:
            while start >= base + len(block):
                yield block
                base += len(block)
                block = np.zeros(min(BLOCK, total - base), np.float32)
            piece = samples[: base + len(block) - start]
            block[start - base : start - base + len(piece)] = piece
            start, samples = start + len(piece), samples[len(piece) :]
    while base < total:
        yield block
        base += len(block)
        block = np.zeros(min(BLOCK, total - base), np.float32)


def _join(cursor: int, expected: int, samples: Samples) -> tuple[int, Samples]:
    """Where a chunk goes after a run that ends at `cursor`, and the chunk healed of the clock's drift."""
    late = expected - cursor
    if abs(late) > _CONTINUES:
        overlap = max(0, -late)
        return expected + overlap, samples[overlap:]
    if abs(late) > _SLACK and len(samples) > 1:
        length = len(samples) + (1 if late > 0 else -1)
        at = np.linspace(0, len(samples) - 1, length)
        samples = np.interp(at, np.arange(len(samples)), samples).astype(np.float32)
    return cursor, samples


def _downsample(blocks: Iterable[Samples], step: int, total: int) -> Iterator[Samples]:
    """Every `step`-th sample after a linear-phase low-pass (windowed sinc), its delay taken back."""
    half = _TAPS_PER_STEP * step // 2
    at = np.arange(-half, half + 1)
    taps = np.sinc(at / step * 0.92) * np.hamming(len(at))
    taps = (taps / taps.sum()).astype(np.float32)
    carry, skip = np.zeros(half, np.float32), 0
    for block in _then_silence(blocks, half):
        joined = np.concatenate([carry, block])
        if len(joined) < len(taps):
            carry = joined
            continue
        filtered = np.convolve(joined, taps, "valid").astype(np.float32)
        output = filtered[skip::step][:total]
        skip = (skip - len(filtered)) % step
        carry = joined[-(len(taps) - 1) :]
        total -= len(output)
        if len(output):
            yield output
    if total > 0:
        yield np.zeros(total, np.float32)


def _then_silence(blocks: Iterable[Samples], length: int) -> Iterator[Samples]:
    yield from blocks
    yield np.zeros(length, np.float32)
