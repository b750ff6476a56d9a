"""Which simulcast layer a receiver gets. Qualities count from 0, the smallest, to 2."""

from collections.abc import Sequence
from dataclasses import dataclass

LOW, MEDIUM, HIGH = 0, 1, 2

# Enlarging a picture by a tenth is not seen, and spares the next layer's bandwidth.
_STRETCH = 1.1


@dataclass(frozen=True, slots=True)
class LayerSize:
    """A layer's picture in pixels."""

    quality: int
    width: int
    height: int


def choose_layer(live: Sequence[int], wanted: int) -> int | None:
    """The best quality that arrives and is not above `wanted`, else the least above; None if none arrives."""
    below = [quality for quality in live if quality <= wanted]
    if below:
        return max(below)
    return min(live, default=None)


def quality_for(layers: Sequence[LayerSize], width: int, height: int) -> int:
    """The smallest quality that fills an element of this many pixels.

    An element of unknown size (0) gets the best; with no layers known the answer is HIGH.
    """
    ordered = sorted(layers, key=lambda layer: layer.quality)
    if width > 0 and height > 0:
        for layer in ordered:
            if layer.width * _STRETCH >= width and layer.height * _STRETCH >= height:
                return layer.quality
    return ordered[-1].quality if ordered else HIGH


def highest_wanted(wishes: Sequence[int | None]) -> int | None:
    """The best quality any receiver watches, None standing for "not shown": what a publisher must send."""
    return max((wish for wish in wishes if wish is not None), default=None)
