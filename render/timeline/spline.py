"""A curve through all keys that never overshoots them: monotone piecewise cubics (PCHIP).

Slopes follow Fritsch and Butland, "A method for constructing local monotone piecewise cubic interpolants"
(SIAM J. Sci. Stat. Comput. 5, 1984): the weighted harmonic mean of the neighbouring secants, and 0 where the
keys turn. At an open end a parabola through three keys gives the slope, kept from overshooting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Segment = tuple[float, float]  # its width in seconds and its secant


@dataclass(frozen=True)
class Spline:
    """Cubic pieces through (seconds, value) points in order of time.

    Two points at one time are a jump, and the curve is smooth on either side of it.

    Attributes:
        seconds, values, slopes: of the points; slopes in values a second.
    """

    seconds: tuple[float, ...]
    values: tuple[float, ...]
    slopes: tuple[float, ...]

    @classmethod
    def through(cls, points: Sequence[tuple[float, float]], ends: str = "open") -> Spline:
        """The spline through `points`.

        ends: `open`; `flat`, where both end slopes are 0; or `joined`, where the last point is the first one
            again, so that the curve runs on smoothly from one to the other.
        """
        segments = [
            (later - earlier, (end - start) / (later - earlier)) if later > earlier else None
            for (earlier, start), (later, end) in pairwise(points)
        ]
        around = segments if ends == "joined" else []
        slopes = []
        for index in range(len(points)):
            before, after = segments[:index] or around, segments[index:] or around
            if ends == "flat" and index in (0, len(points) - 1):
                slopes.append(0.0)
            else:
                slopes.append(_slope(before[-2:], after[:2]))
        seconds, values = zip(*points, strict=True)
        return cls(tuple(seconds), tuple(values), tuple(slopes))

    def piece(self, index: int, part: float) -> float:
        """The value `part` (0 to 1) of the way from point `index` to the one after it."""
        width = self.seconds[index + 1] - self.seconds[index]
        start, end = self.values[index], self.values[index + 1]
        value = hermite(part, start, end, width * self.slopes[index], width * self.slopes[index + 1])
        return min(max(value, min(start, end)), max(start, end))  # rounding overshoots too

    def many(self, index: Any, part: Any) -> Any:
        """The same for NumPy arrays of indices and parts."""
        import numpy as np

        seconds, values, slopes = (np.array(each) for each in (self.seconds, self.values, self.slopes))
        width, start, end = seconds[index + 1] - seconds[index], values[index], values[index + 1]
        value = hermite(part, start, end, width * slopes[index], width * slopes[index + 1])
        return np.clip(value, np.minimum(start, end), np.maximum(start, end))


def hermite(x: Any, start: Any, end: Any, leaving: Any, arriving: Any) -> Any:
    """The cubic from `start` at x = 0 to `end` at x = 1 with these slopes; of floats or of arrays."""
    move = end - start
    return start + x * (
        leaving + x * (3 * move - 2 * leaving - arriving + x * (leaving + arriving - 2 * move))
    )


def _slope(before: Sequence[Segment | None], after: Sequence[Segment | None]) -> float:
    """The slope at a point between the segments before it (nearest last) and after it (nearest first)."""
    left = before[-1] if before else None
    right = after[0] if after else None
    if left is None and right is None:
        return 0.0
    if left is None:
        return _end_slope(right, after[1] if len(after) > 1 else None)
    if right is None:
        return _end_slope(left, before[-2] if len(before) > 1 else None)
    (width, secant), (next_width, next_secant) = left, right
    if secant * next_secant <= 0:
        return 0.0
    first, second = width + 2 * next_width, 2 * width + next_width
    return (first + second) / (first / secant + second / next_secant)


def _end_slope(near: Segment, far: Segment | None) -> float:
    if far is None:
        return near[1]
    (width, secant), (far_width, far_secant) = near, far
    slope = ((2 * width + far_width) * secant - width * far_secant) / (width + far_width)
    if slope * secant <= 0:
        return 0.0
    if secant * far_secant <= 0 and abs(slope) > 3 * abs(secant):
        return 3 * secant
    return slope
