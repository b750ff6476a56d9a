"""From samples of a watching browser to figures. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_STEADY: Final = 1.5  # seconds for which the full picture must stay


@dataclass(frozen=True)
class Sample:
    """Sums since the start of the call: decoded `frames`, `audio` samples and those of them `concealed` in
    speech; `at` and `frozen` (libwebrtc's count) in seconds; `width` of the picture now."""

    at: float
    frames: int
    width: int
    paused: bool
    audio: int
    concealed: int
    frozen: float


@dataclass(frozen=True)
class Figures:
    """`frozen` and `paused`: seconds per minute without a new picture, and of those announced as a pause.
    `concealed`: share of the sound. `widths` once a second. `recovery`: seconds, None: not seen."""

    frozen: float
    paused: float
    concealed: float
    widths: tuple[int, ...]
    recovery: float | None

    @property
    def width(self) -> int:
        """Most of the time."""
        return sorted(self.widths)[len(self.widths) // 2] if self.widths else 0


def figures(samples: Sequence[Sample], began: float, ended: float, full: int) -> Figures:
    """Of the time between `began` and `ended`, and of the return to pictures `full` pixels wide after it."""
    during = [sample for sample in samples if began <= sample.at <= ended]
    still = [(a, b) for a, b in pairwise(during) if a.frames == b.frames]
    minutes = (during[-1].at - during[0].at) / 60
    heard = during[-1].audio - during[0].audio
    return Figures(
        frozen=sum(b.at - a.at for a, b in still if not b.paused) / minutes,
        paused=sum(b.at - a.at for a, b in still if b.paused) / minutes,
        concealed=(during[-1].concealed - during[0].concealed) / heard if heard else 1.0,
        widths=_each_second(during, began),
        recovery=recovery(samples, ended, full),
    )


def recovery(samples: Sequence[Sample], ended: float, full: int) -> float | None:
    """Seconds until full pictures come and go on coming."""
    after = [sample for sample in samples if sample.at >= ended]
    begun: float | None = None
    for before, sample in pairwise(after):
        if sample.width < full or sample.frames == before.frames:
            begun = None
            continue
        begun = before.at if begun is None else begun
        if sample.at - begun >= _STEADY:
            return max(0.0, begun - ended)
    return None


def _each_second(samples: Sequence[Sample], began: float) -> tuple[int, ...]:
    last = {int(sample.at - began): sample.width for sample in samples}
    return tuple(last[second] for second in sorted(last))
