"""Walks through latent space: pure functions from time to a point between latents.

A walk knows when it passes which latent, never what a latent is. At any time only a few latents count, so it
names them and says how much of each is in the point; the same walk serves z, w or ws, and ten thousand stops
cost no more than ten. A great-circle path (slerp) needs the latents themselves.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from scipy.interpolate import CubicSpline

Path = Literal["linear", "spline", "slerp", "hold"]
PATHS: tuple[str, ...] = ("linear", "spline", "slerp", "hold")
Easing = Callable[[float], float]

# How far to each side a spline looks. What a stop does to it falls by 2 + √3 with every stop between (and at
# least by 2, however uneven the times): beyond 40 stops that is below the rounding of a float64.
REACH = 40
KEPT_SPLINES = 8


@dataclass(frozen=True)
class Mix:
    """Which latents are in a point, and how much of each.

    indices  int [n] of the latents, each once
    weights  float64 [n], summing to 1; outside 0–1 where a path overshoots
    """

    indices: np.ndarray
    weights: np.ndarray

    def of(self, values: np.ndarray) -> np.ndarray:
        """The mixture [...] of `values [K, ...]`: latents, or anything else there is one of a latent.

        The sum is taken in float64; the result has the dtype of `values`.
        """
        if len(self.indices) == 1:
            return values[self.indices[0]]
        chosen = values[self.indices].astype(np.float64)
        return np.tensordot(self.weights, chosen, axes=1).astype(values.dtype)


@dataclass(frozen=True)
class Walk:
    """A path past latents, given by number.

    seconds  of each stop, exact, rising; before the first and after the last one the walk rests there
    latents  index (0 … K-1) of the latent at each stop; one may be passed more than once
    path     linear; spline (a cubic without a kink in speed or acceleration); slerp; hold (stays at a stop
             until the next one's time)
    loop     the last stop is the first one again, and a spline passes it without a kink
    easings  empty, or one for each stop: a curve from 0 to 1, or None, that re-times the segment which leaves
             the stop. It moves along the path it finds: a spline stays the same curve. One that leaves 0–1
             runs past the stop and comes back
    """

    seconds: tuple[Fraction, ...]
    latents: tuple[int, ...]
    path: Path = "spline"
    loop: bool = False
    easings: tuple[Easing | None, ...] = ()

    def __post_init__(self) -> None:
        if not self.seconds or len(self.seconds) != len(self.latents):
            raise ValueError(
                f"a walk has a latent for each stop, not {len(self.latents)} for {len(self.seconds)}"
            )
        if len(self.easings) not in (0, len(self.seconds)):
            raise ValueError(
                f"a walk has an easing for each stop or none, not {len(self.easings)} for {len(self.seconds)}"
            )
        if any(after <= before for before, after in pairwise(self.seconds)):
            raise ValueError("the stops of a walk must rise in time")
        if self.loop and self.latents[0] != self.latents[-1]:
            raise ValueError("a looping walk ends at the latent it starts from")
        if self.path not in PATHS:
            raise ValueError(f"unknown path {self.path!r}; there are {', '.join(PATHS)}")

    @property
    def latent_count(self) -> int:
        """K: how many latents the walk speaks of."""
        return max(self.latents) + 1

    def weights(self, seconds: Fraction | float) -> Mix:
        """Which latents are in the point at that time, and how much of each.

        Two of them at most; on a spline those of up to `2 * REACH + 2` stops around. On a slerp the weights
        say how far between the two the point is; how their directions mix is for `point` to find.
        """
        stop, fraction = self._segment(seconds)
        if fraction == 0 or len(self.seconds) == 1:
            return self._mix([stop], [1.0])
        if fraction == 1:
            return self._mix([stop + 1], [1.0])
        if self.path == "spline":
            return self._spline_mix(stop, fraction)
        return self._mix([stop, stop + 1], [1 - fraction, fraction])

    def point(self, latents: np.ndarray, seconds: Fraction | float) -> np.ndarray:
        """The point [...] at that time between `latents [K, ...]`, of their dtype: z, w or ws.

        On a slerp every row of the last axis moves on a great circle of its own.
        """
        if self.path != "slerp":
            return self.weights(seconds).of(latents)
        stop, fraction = self._segment(seconds)
        a = latents[self.latents[stop]]
        return a if fraction == 0 else slerp(a, latents[self.latents[stop + 1]], fraction)

    def _segment(self, seconds: Fraction | float) -> tuple[int, float]:
        """The stop last passed, and the eased fraction of the way to the next one."""
        if seconds <= self.seconds[0]:
            return 0, 0.0
        if seconds >= self.seconds[-1]:
            return len(self.seconds) - 1, 0.0
        stop = bisect.bisect_right(self.seconds, seconds) - 1
        start, end = self.seconds[stop], self.seconds[stop + 1]
        fraction = float((seconds - start) / (end - start))
        if self.path == "hold":
            return stop, 0.0
        easing = self.easings[stop] if self.easings else None
        return stop, fraction if easing is None else float(easing(fraction))

    def _mix(self, stops: list[int] | np.ndarray, weights: list[float] | np.ndarray) -> Mix:
        """Weights of stops as weights of latents, those of one latent added up."""
        passed = [self.latents[stop] for stop in stops]
        indices, places = np.unique(passed, return_inverse=True)
        return Mix(indices, np.bincount(places, weights=weights, minlength=len(indices)))

    # --- splines --------------------------------------------------------------------------------------------

    def _spline_mix(self, stop: int, fraction: float) -> Mix:
        first, spline = self._spline_of(stop if self._is_long else 0)
        start, end = float(self.seconds[stop]), float(self.seconds[stop + 1])
        weights = spline(start + fraction * (end - start))
        count = len(self.seconds) - 1 if self.loop else len(self.seconds)
        return self._mix((first + np.arange(len(weights))) % count, weights)

    @property
    def _is_long(self) -> bool:
        """Whether the walk has more stops than a spline looks at."""
        return len(self.seconds) > 2 * REACH + 2

    @cached_property
    def _splines(self) -> dict[int, tuple[int, CubicSpline]]:
        """Those found last, by segment."""
        return {}

    def _spline_of(self, stop: int) -> tuple[int, CubicSpline]:
        """The spline for the segment after `stop`, see `_find_spline`."""
        if stop not in self._splines:
            if len(self._splines) >= KEPT_SPLINES:
                self._splines.clear()
            self._splines[stop] = self._find_spline(stop)
        return self._splines[stop]

    def _find_spline(self, stop: int) -> tuple[int, CubicSpline]:
        """Number of a first stop, and over time the weights of it and of the stops that follow.

        A spline is linear in what it passes, so one through unit vectors serves all latents. Of a long walk
        it passes only the stops around the segment; numbers run on before and after a loop's ends.
        """
        from scipy.interpolate import CubicSpline

        first, last = 0, len(self.seconds) - 1
        if self._is_long:
            first, last = stop - REACH, stop + 1 + REACH
            if not self.loop:
                first, last = max(first, 0), min(last, len(self.seconds) - 1)
        times = [float(self._time_of(number)) for number in range(first, last + 1)]
        units = np.eye(len(times))
        if self._is_long or not self.loop:
            return first, CubicSpline(times, units, bc_type="natural")
        closed = np.concatenate([units[:-1], units[:1]])[:, :-1]  # the last stop is the first one
        return first, CubicSpline(times, closed, bc_type="periodic")

    def _time_of(self, number: int) -> Fraction:
        """Seconds of a stop whose number may lie before or after a loop's ends."""
        turns, stop = divmod(number, len(self.seconds) - 1) if self.loop else (0, number)
        return self.seconds[stop] + turns * (self.seconds[-1] - self.seconds[0])


def slerp(a: np.ndarray, b: np.ndarray, fraction: float) -> np.ndarray:
    """From `a [..., D]` to `b [..., D]` along great circles, their lengths blended linearly."""
    if a.ndim > 1:
        return np.stack([slerp(row_a, row_b, fraction) for row_a, row_b in zip(a, b, strict=True)])
    length_a, length_b = np.linalg.norm(a), np.linalg.norm(b)
    if length_a == 0 or length_b == 0:
        return (a + (b - a) * fraction).astype(a.dtype)
    unit_a, unit_b = a / length_a, b / length_b
    angle = np.arccos(np.clip(unit_a @ unit_b, -1, 1))
    if angle < 1e-6:
        direction = unit_a
    else:
        direction = (np.sin((1 - fraction) * angle) * unit_a + np.sin(fraction * angle) * unit_b) / np.sin(
            angle
        )
    return (direction * (length_a + (length_b - length_a) * fraction)).astype(a.dtype)
