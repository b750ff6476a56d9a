"""Straight lines through clock readings: by least squares, and along the lower edge. Pure."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Quartz clocks of computers and sound cards stay within ±100 ppm; beyond this a slope is an artefact.
MAX_DRIFT: Final = 500e-6
# Shorter spans say more about jitter than about drift: 5 ms over 10 s would pass for 500 ppm.
MIN_SLOPE_SPAN: Final = 30.0
_MIN_TOLERANCE: Final = 0.005
_MIN_EARLY: Final = 0.050


@dataclass(frozen=True)
class Line:
    """y = y0 + slope · (x − x0), x and y in seconds."""

    x0: float
    y0: float
    slope: float

    def __call__(self, x: float) -> float:
        return self.y0 + self.slope * (x - self.x0)


def least_squares(x: Floats, y: Floats) -> Line:
    """The line y ≈ x + offset + drift · x through points of which a minority may be wild."""
    trend = _robust_trend(x, y - x)
    residual = y - x - np.array([trend(value) for value in x])
    spread = 1.4826 * float(np.median(np.abs(residual)))
    kept = np.abs(residual) <= max(4 * spread, _MIN_TOLERANCE)
    x, rest = x[kept], (y - x)[kept]
    middle = float(np.mean(x))
    slope = 0.0
    if float(np.ptp(x)) >= MIN_SLOPE_SPAN:
        centred = x - middle
        slope = _plausible(float(np.dot(centred, rest - np.mean(rest)) / np.dot(centred, centred)))
    return Line(middle, middle + float(np.mean(rest)), 1.0 + slope)


def lower_envelope(x: Floats, y: Floats) -> Line:
    """The line y ≈ x + offset + drift · x that lies under nearly all points and closest to them.

    For delays, which only ever add: the undelayed clock is the lower edge. It is the edge of the lower
    convex hull below the mean of x (Moon, Skelly, Towsley: Estimation and removal of clock skew, 1999).
    """
    delay = y - x
    trend = _robust_trend(x, delay)
    residual = delay - np.array([trend(value) for value in x])
    spread = 1.4826 * float(np.median(np.abs(residual)))
    kept = residual >= -max(8 * spread, _MIN_EARLY)
    x, delay = x[kept], delay[kept]
    middle = float(np.mean(x))
    if float(np.ptp(x)) < MIN_SLOPE_SPAN:
        return Line(middle, middle + float(np.min(delay)), 1.0)
    (xa, ya), (xb, yb) = _hull_edge(x, delay, middle)
    slope = _plausible((yb - ya) / (xb - xa)) if xb > xa else 0.0
    offset = float(np.min(delay - slope * (x - middle)))
    return Line(middle, middle + offset, 1.0 + slope)


def _plausible(slope: float) -> float:
    return slope if abs(slope) <= MAX_DRIFT else 0.0


def _robust_trend(x: Floats, rest: Floats) -> Line:
    """Theil and Sen's line over the medians of up to 40 stretches of x."""
    order = np.argsort(x, kind="stable")
    pieces = [piece for piece in np.array_split(order, min(40, len(x))) if len(piece)]
    xs = np.array([np.median(x[piece]) for piece in pieces])
    ys = np.array([np.median(rest[piece]) for piece in pieces])
    slope = 0.0
    if float(np.ptp(xs)) >= MIN_SLOPE_SPAN:
        first, second = np.triu_indices(len(xs), 1)
        apart = xs[second] - xs[first]
        apart_enough = apart > 0
        slopes = (ys[second] - ys[first])[apart_enough] / apart[apart_enough]
        slope = _plausible(float(np.median(slopes)))
    return Line(0.0, float(np.median(rest - slope * x)), slope)


def _hull_edge(x: Floats, y: Floats, middle: float) -> tuple[tuple[float, float], tuple[float, float]]:
    hull: list[tuple[float, float]] = []
    order = np.lexsort((y, x))
    for point in zip(x[order].tolist(), y[order].tolist(), strict=True):
        if hull and hull[-1][0] == point[0]:
            continue
        while len(hull) > 1 and _turns_right(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    for left, right in pairwise(hull):
        if right[0] >= middle:
            return left, right
    return hull[-1], hull[-1]


def _turns_right(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) <= (b[1] - a[1]) * (c[0] - a[0])
