"""Closed curves through z: the great circle through two latents, and a loop of smooth noise.

Both are functions of the turn, which is 0 at the start and 1 where the curve closes; any real turn is legal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from render.errors import LatentError

MAX_DIAMETER = 100.0
SMALLEST_ANGLE = 1e-4  # radians between two latents that still span a circle
SMALLEST_SHARE = 1e-14  # of the variance, below which a frequency is left out


@dataclass(frozen=True)
class GreatCircle:
    """The circle around the origin that passes two latents, `a [D]` at turn 0 and then `b [D]`.

    Its radius goes from the length of `a` to that of `b` and back, without a jump in speed or acceleration.
    Raises LatentError if the two lie on one line through the origin, which leaves the circle open.
    """

    a: np.ndarray
    b: np.ndarray

    def __post_init__(self) -> None:
        if not SMALLEST_ANGLE < self.angle < math.pi - SMALLEST_ANGLE:
            raise LatentError("a circle needs two different latents, and these two lie in one direction")

    @property
    def turn_of_b(self) -> float:
        """The turn at which the circle passes `b`: between 0 and a half, near a quarter for two seeds."""
        return self.angle / math.tau

    @cached_property
    def angle(self) -> float:
        """Between the two, in radians; 0 if one of them has no length."""
        a, b = self._lengths
        if a == 0 or b == 0:
            return 0.0
        return math.acos(float(np.clip(self.a.astype(np.float64) @ self.b / (a * b), -1, 1)))

    def point(self, turn: float) -> np.ndarray:
        """z [D] at that turn, of the dtype of `a`."""
        angle = math.tau * (turn % 1)
        across, along = self._axes
        part = angle / self.angle if angle <= self.angle else (math.tau - angle) / (math.tau - self.angle)
        shape = part**3 * (10 - 15 * part + 6 * part**2)  # from 0 to 1, at rest at both
        length_a, length_b = self._lengths
        radius = length_a + (length_b - length_a) * shape
        return (radius * (math.cos(angle) * along + math.sin(angle) * across)).astype(self.a.dtype)

    @cached_property
    def _lengths(self) -> tuple[float, float]:
        return tuple(float(np.linalg.norm(each.astype(np.float64))) for each in (self.a, self.b))

    @cached_property
    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Two unit vectors of the circle's plane: towards `b` at a right angle to `a`, and along `a`."""
        along = self.a.astype(np.float64) / self._lengths[0]
        across = self.b - (self.b @ along) * along
        return across / np.linalg.norm(across), along


@dataclass(frozen=True)
class NoiseLoop:
    """A circle walked through smooth noise: a closed, smooth, random curve whose every point is a usual z.

    seed      of the noise
    z_dim     numbers of a z
    diameter  of the circle, in units in which noise at a distance d has the covariance exp(-d² / 2): about 1
              sways around one picture, 5 passes several that have nothing to do with each other

    At every turn each number is drawn from N(0, 1); at two turns that are Δ radians apart they have the
    covariance exp(-(diameter · sin(Δ/2))² / 2). With κ = diameter²/4 that is exp(κ(cos Δ - 1)), whose Fourier
    series has modified Bessel functions for coefficients: e^{κ cos Δ} = I₀(κ) + 2 Σ Iₙ(κ) cos nΔ.
    Diameter 0 stands still at the seed's own z, and a larger one grows out of it.
    """

    seed: int
    z_dim: int
    diameter: float = 1.5

    def __post_init__(self) -> None:
        if not 0 <= self.diameter <= MAX_DIAMETER:
            raise LatentError(
                f"the diameter of a noise loop lies from 0 to {MAX_DIAMETER:g}, not at {self.diameter:g}"
            )

    def point(self, turn: float) -> np.ndarray:
        """z float32 [z_dim] at that turn."""
        constant, cosines, sines = self._waves
        angles = math.tau * (turn % 1) * np.arange(1, len(cosines) + 1)
        return (constant + np.cos(angles) @ cosines + np.sin(angles) @ sines).astype(np.float32)

    @cached_property
    def _waves(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The part that stands still [z_dim]; of n frequencies the cosines and the sines, [n, z_dim] each."""
        shares = spectrum(self.diameter)
        # Row by row, so that a frequency's noise is the same however many there are.
        noise = np.random.RandomState(self.seed).randn(2 * len(shares) - 1, self.z_dim)
        amplitudes = np.sqrt(shares)[:, None]
        return (
            amplitudes[0] * noise[0],
            amplitudes[1:] * noise[1::2],
            amplitudes[1:] * noise[2::2],
        )


def spectrum(diameter: float) -> np.ndarray:
    """How much of a noise loop's variance each frequency 0, 1, 2 … has: float64, summing to 1."""
    from scipy.special import ive

    concentration = diameter**2 / 4
    count = 40 + math.ceil(10 * math.sqrt(concentration))  # Iₙ(κ) falls like exp(-n² / 2κ), and faster
    shares = ive(np.arange(count), concentration)  # scaled by e^-κ
    shares[1:] *= 2
    shares = shares[: np.flatnonzero(shares > SMALLEST_SHARE)[-1] + 1]
    return shares / shares.sum()
