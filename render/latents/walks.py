"""Walks through latent space: pure functions from time to a point between latents.

A walk knows when it passes which latent, never what a latent is. Linear and spline paths are weighted
sums of latents, so they come as weights `[K]`, and the same walk serves z, w or ws. A great-circle path
(slerp) needs the latents themselves.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from scipy.interpolate import CubicSpline

Path = Literal["linear", "spline", "slerp"]
PATHS: tuple[str, ...] = ("linear", "spline", "slerp")


@dataclass(frozen=True)
class Walk:
    """A path past latents, given by number.

    seconds  of each stop, exact, rising; before the first and after the last one the walk rests there
    latents  index (0 … K-1) of the latent at each stop; one may be passed more than once
    path     linear; spline (a cubic without a kink in speed or acceleration); slerp
    loop     the last stop is the first one again, and a spline passes it without a kink
    """

    seconds: tuple[Fraction, ...]
    latents: tuple[int, ...]
    path: Path = "spline"
    loop: bool = False

    def __post_init__(self) -> None:
        if not self.seconds or len(self.seconds) != len(self.latents):
            raise ValueError(
                f"a walk has a latent for each stop, not {len(self.latents)} for {len(self.seconds)}"
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

    def weights(self, seconds: Fraction | float) -> np.ndarray:
        """How much of each latent is in the point at that time: float64 [K], summing to 1."""
        here, fraction = self._segment(seconds)
        if fraction == 0:
            return self._one_hot[here]
        if self.path == "spline" and len(set(self.latents)) > 1:
            return self._spline(float(seconds))
        return (1 - fraction) * self._one_hot[here] + fraction * self._one_hot[here + 1]

    def point(self, latents: np.ndarray, seconds: Fraction | float) -> np.ndarray:
        """The point [D] at that time between `latents [K, D]`."""
        if self.path != "slerp":
            return (self.weights(seconds) @ latents.astype(np.float64)).astype(latents.dtype)
        here, fraction = self._segment(seconds)
        a = latents[self.latents[here]]
        return a if fraction == 0 else slerp(a, latents[self.latents[here + 1]], fraction)

    def _segment(self, seconds: Fraction | float) -> tuple[int, float]:
        """The stop last passed, and the fraction of the way to the next one."""
        if seconds <= self.seconds[0]:
            return 0, 0.0
        if seconds >= self.seconds[-1]:
            return len(self.seconds) - 1, 0.0
        here = bisect.bisect_right(self.seconds, seconds) - 1
        start, end = self.seconds[here], self.seconds[here + 1]
        return here, float((seconds - start) / (end - start))

    @cached_property
    def _one_hot(self) -> np.ndarray:
        """Weights [stops, K] on the stops themselves."""
        return np.eye(self.latent_count)[list(self.latents)]

    @cached_property
    def _spline(self) -> CubicSpline:
        """Weights [K] over time: a spline is linear in what it passes, so one serves all latents."""
        times = [float(each) for each in self.seconds]
        return CubicSpline(times, self._one_hot, bc_type="periodic" if self.loop else "natural")


def slerp(a: np.ndarray, b: np.ndarray, fraction: float) -> np.ndarray:
    """From `a [D]` to `b [D]` along the great circle, their lengths blended linearly."""
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
