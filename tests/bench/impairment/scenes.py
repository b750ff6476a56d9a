"""What is done to the path, and what is heard and seen behind it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.report import OUT
from tests.e2e.speech import speech_file
from tests.peers.impairment import Way

FULL_WIDTH: Final = 960


@dataclass(frozen=True)
class Scene:
    """A subscriber's path, `up` from them and `down` to them."""

    name: str
    up: Way
    down: Way


def both(name: str, way: Way) -> Scene:
    return Scene(name, way, way)


SCENES: Final = (
    both("nothing", Way()),
    both("1 % loss", Way(loss=0.01)),
    both("5 % loss", Way(loss=0.05)),
    both("10 % loss", Way(loss=0.10)),
    both("50 ms", Way(delay=0.05)),
    both("200 ms ± 20", Way(delay=0.19, jitter=0.02)),
    both("5 % loss, 100 ms ± 20", Way(loss=0.05, delay=0.09, jitter=0.02)),
    Scene("500 kbit/s", Way(), Way(rate=500_000)),
)
QUICK: Final = tuple(scene for scene in SCENES if scene.name in ("5 % loss", "500 kbit/s"))

_SENTENCES: Final = (
    "The committee met in the morning and agreed on the budget for the coming year.",
    "Please send the minutes to everybody who was not able to attend.",
    "We shall speak about the new building on Thursday afternoon.",
)


def picture() -> Path:
    """Twelve seconds of a pan over a fractal: as much to encode as a camera that is carried about."""
    out = OUT / "pan.mjpeg"
    if not out.exists():
        OUT.mkdir(parents=True, exist_ok=True)
        source = "mandelbrot=size=1440x810:rate=15:start_scale=1.5:end_scale=1.2"
        source += ",crop=960:540:x=240+200*sin(t*0.52):y=135+120*sin(t*1.05)"
        command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source, "-t", "12"]
        subprocess.run([*command, "-pix_fmt", "yuvj420p", "-q:v", "4", str(out)], check=True)
    return out


def voice() -> Path:
    """Speech, over and over."""
    out = OUT / "voice.wav"
    if not out.exists():
        OUT.mkdir(parents=True, exist_ok=True)
        speech_file(_SENTENCES, "slt", out, lead=0.1, pause=0.3)
    return out
