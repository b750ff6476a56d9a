"""The corpus that the repository keeps: for each target one text file, an input in base64 a line."""

import base64
from collections.abc import Sequence
from pathlib import Path

TARGETS = ("stun", "frames", "rtp", "rtcp", "sdp", "tokens", "signalling", "twirp", "webhook", "records")
_FOLDER = Path(__file__).parent / "inputs"


def kept(target: str) -> list[bytes]:
    """The target's inputs, none where there are none yet."""
    path = _FOLDER / f"{target}.txt"
    return [base64.b64decode(line) for line in path.read_text().split()] if path.exists() else []


def pack(target: str, inputs: Sequence[bytes]) -> None:
    """Replaces the target's inputs; empty ones are left out."""
    _FOLDER.mkdir(exist_ok=True)
    lines = sorted({base64.b64encode(data).decode() for data in inputs if data})
    (_FOLDER / f"{target}.txt").write_text("\n".join(lines) + "\n")
