"""What every publisher sends: ten seconds of 720p VP8 at 1.5 Mbit/s and Opus, encoded once into build/."""

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av

FRAMES_PER_SECOND, SOUNDS_PER_SECOND = 30, 50
# libwebrtc keeps packets under 1,200 bytes: 12 of RTP header, 16 of extensions, 4 of VP8 descriptor.
MOST = 1200 - 12 - 16 - 4

_FILE = Path(__file__).resolve().parents[3] / "build" / "bench" / "media.webm"
_WORDS = (
    "The minister opens the meeting and greets everybody who came. We begin with the budget of next year, "
    "then we talk about the reform of the schools, and at the end there will be time for your questions."
)
_ENCODE = (
    *("ffmpeg", "-loglevel", "error", "-y"),
    *("-f", "lavfi", "-i", "mandelbrot=size=1280x720:rate=30", "-f", "lavfi", "-i", f"flite=text='{_WORDS}'"),
    *("-t", "10", "-c:v", "libvpx", "-b:v", "1500k", "-minrate", "1500k", "-maxrate", "1500k"),
    *("-bufsize", "750k", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-g", "9999"),
    *("-error-resilient", "1", "-threads", "1", "-c:a", "libopus", "-b:a", "32k", "-vbr", "off"),
    *("-frame_duration", "20", "-ar", "48000", "-ac", "1"),
)


@dataclass(frozen=True)
class Media:
    """A frame is its packets' payloads without the VP8 descriptor; the first frame is a keyframe."""

    frames: tuple[tuple[bytes, ...], ...]
    sounds: tuple[bytes, ...]


@cache
def load() -> Media:
    """Encodes where that was not done before."""
    if not _FILE.exists():
        _FILE.parent.mkdir(parents=True, exist_ok=True)
        unfinished = _FILE.with_suffix(".new.webm")
        subprocess.run([*_ENCODE, str(unfinished)], check=True)
        unfinished.rename(_FILE)
    frames, sounds = [], []
    with av.open(str(_FILE)) as container:
        for packet in container.demux():
            if packet.size and packet.stream.type == "video":
                frames.append(split(bytes(packet)))
            elif packet.size:
                sounds.append(bytes(packet))
    return Media(tuple(frames), tuple(sounds))


def split(frame: bytes) -> tuple[bytes, ...]:
    """As libwebrtc does: as few packets as possible, about equal, the larger ones last."""
    count = -(-len(frame) // MOST)
    size, larger = divmod(len(frame), count)
    parts, at = [], 0
    for number in range(count):
        length = size + (number >= count - larger)
        parts.append(frame[at : at + length])
        at += length
    return tuple(parts)
