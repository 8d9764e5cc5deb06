"""Walks through latent space: pure functions from time to a point between anchors.

A walk knows when it passes which anchor, never what an anchor is. Linear and spline paths are weighted
sums of anchors, so they come as weights `[K]`, and the same walk serves z, w or ws. A great-circle path
(slerp) needs the anchors themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.interpolate import CubicSpline

Path = Literal["linear", "spline", "slerp"]
PATHS: tuple[str, ...] = ("linear", "spline", "slerp")


@dataclass(frozen=True)
class Walk:
    """A path that passes `anchors` one after the other, evenly in time.

    anchors  index of the latent passed at each stop; a latent may be passed more than once
    seconds  between two stops, exact
    loop     after the last stop the path goes back to the first one, in as long again
    path     linear; spline (a cubic with no kink in speed or acceleration, periodic in a loop); slerp
    latent_count  K, where not every latent is passed; 0: up to the last one that is
    """

    anchors: tuple[int, ...]
    seconds: Fraction
    loop: bool
    path: Path = "spline"
    latent_count: int = 0

    def __post_init__(self) -> None:
        if not self.anchors:
            raise ValueError("a walk needs at least one anchor")
        if not self.latent_count:
            object.__setattr__(self, "latent_count", max(self.anchors) + 1)
        if self.seconds <= 0:
            raise ValueError(f"a walk's stops must be more than {self.seconds} s apart")
        if self.path not in PATHS:
            raise ValueError(f"unknown path {self.path!r}; there are {', '.join(PATHS)}")

    def stop_at(self, seconds: Fraction) -> Fraction:
        """Where along the stops the walk is: 1.5 is half-way from the second to the third."""
        along = Fraction(seconds) / self.seconds
        if self.loop:
            return along % len(self.anchors)
        return min(max(along, Fraction(0)), Fraction(len(self.anchors) - 1))

    def weights(self, seconds: Fraction) -> np.ndarray:
        """How much of each latent is in the point at that time: float64 [K], summing to 1."""
        stop = self.stop_at(seconds)
        if len(set(self.anchors)) == 1 or stop.denominator == 1:
            return self._one_hot[int(stop)]
        if self.path == "spline":
            return self._spline(float(stop))
        here, there, fraction = self._segment(stop)
        return (1 - fraction) * self._one_hot[here] + fraction * self._one_hot[there]

    def point(self, latents: np.ndarray, seconds: Fraction) -> np.ndarray:
        """The point [D] at that time between `latents [K, D]`."""
        if self.path != "slerp":
            return (self.weights(seconds) @ latents.astype(np.float64)).astype(latents.dtype)
        here, there, fraction = self._segment(self.stop_at(seconds))
        return slerp(latents[self.anchors[here]], latents[self.anchors[there]], fraction)

    def _segment(self, stop: Fraction) -> tuple[int, int, float]:
        """Stop before, stop after, and the fraction of the way between them."""
        here = int(stop)
        there = (here + 1) % len(self.anchors) if self.loop else min(here + 1, len(self.anchors) - 1)
        return here, there, float(stop - here)

    @cached_property
    def _one_hot(self) -> np.ndarray:
        """Weights [stops, K] on the stops themselves."""
        return np.eye(self.latent_count)[list(self.anchors)]

    @cached_property
    def _spline(self) -> CubicSpline:
        """Weights [K] over the stops: a spline is linear in what it passes, so one serves all latents."""
        rows = np.concatenate([self._one_hot, self._one_hot[:1]]) if self.loop else self._one_hot
        return CubicSpline(np.arange(len(rows)), rows, bc_type="periodic" if self.loop else "natural")


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


def plan_walk(
    count: int, duration: Fraction, every: Fraction | None, loop: bool, path: Path = "spline"
) -> Walk:
    """The walk past `count` latents in `duration` seconds, a stop about every `every` seconds.

    A looping walk closes exactly when the clip does, so its stops are moved to the nearest spacing that
    divides the duration. Without `every`, each latent is passed once. A walk longer than its latents
    passes them again from the first.
    """
    if count == 1:
        return Walk((0,), duration, loop, path)
    if every is None:
        return Walk(tuple(range(count)), duration / (count if loop else count - 1), loop, path)
    if loop:
        stops = max(2, round(duration / every))
        return Walk(cycle(count, stops), duration / stops, True, path, count)
    stops = int(-(-duration // every)) + 1
    return Walk(cycle(count, stops), every, False, path, count)


def cycle(count: int, stops: int) -> tuple[int, ...]:
    """0, 1 … count-1, 0, 1 … of that length."""
    return tuple(index % count for index in range(stops))
