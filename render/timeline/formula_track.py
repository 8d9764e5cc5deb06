"""Tracks of formulas: an animated number given by an expression instead of keys."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

from .clock import Clock
from .expressions import Expression, unknown_name
from .functions import LEVELS, MOVING

_SAMPLES = 240  # steps over the clip for the extremes
_TINY = 1e-9  # of a frame or a beat
_CONVERT_WEIGHT = 120  # a Python call for every value


class UnknownNameError(ValueError):
    """A formula reads a name that nothing has."""


@dataclass(frozen=True)
class ExpressionTrack:
    """An animated number given by an expression; has the face of a `Track`.

    Attributes:
        expression: the formula.
        clock: gives t, f, b, u and fps their meaning.
        convert: turns the formula's result into the track's number (a resolution into a position).
        others: the numbers that the formula refers to, by name, as functions of seconds; they are called
            with one number, and for `values_at_many` with an array.
    """

    expression: Expression
    clock: Clock
    convert: Callable[[float], float] = float
    others: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    def value_at(self, seconds: Fraction | float) -> float:
        """The value at `seconds`.

        Raises:
            UnknownNameError: it reads a name that is not in `others`.
            ValueError: the formula has no finite value there.
        """
        return self.value_given(seconds, self._read(seconds))

    def values_at_many(self, seconds: Any) -> Any:
        """The values at many moments: a NumPy array [N] of floats, NaN where there is none.

        Raises:
            UnknownNameError: as `value_at`.
        """
        import numpy as np

        moments = np.array(seconds, dtype=float)
        return self.values_given(moments, self._read(moments))

    def value_given(self, seconds: Fraction | float, others: Mapping[str, float]) -> float:
        """`value_at`, with the values of the numbers it refers to."""
        try:
            values = time_values(self.clock, float(seconds), self.expression.names)
            return self.convert(self.expression.evaluate({**others, **values}))
        except ValueError as error:
            raise ValueError(f"{self.expression} at {float(seconds):.4g} s: {error}") from None

    def values_given(self, moments: Any, others: Mapping[str, Any]) -> Any:
        """`values_at_many` at an array of moments, with the values of the numbers it refers to."""
        import numpy as np

        values = time_values(self.clock, moments, self.expression.names)
        found = np.broadcast_to(self.expression.evaluate_many({**others, **values}), moments.shape)
        return found if self.convert is float else _converted(found, self.convert)

    def _read(self, seconds: Any) -> dict[str, Any]:
        for name in sorted(self.expression.references - self.others.keys()):
            raise UnknownNameError(unknown_name(name, self.others))
        return {name: self.others[name](seconds) for name in self.expression.references}

    @property
    def weight(self) -> int:
        """What one value of `values_at_many` costs, in plain operations, without what it refers to."""
        return self.expression.weight + (0 if self.convert is float else _CONVERT_WEIGHT)

    @property
    def is_constant(self) -> bool:
        """Whether the formula reads nothing that may change."""
        return not self.expression.names & MOVING and not self.expression.references

    @property
    def first(self) -> float:
        """The value at the start of the clip."""
        return self.value_at(Fraction(0))

    @property
    def last(self) -> float:
        """The value at the last frame."""
        return self.value_at(self.clock.seconds(self.clock.frame_count - 1))

    @property
    def minimum(self) -> float:
        """The lowest value at up to 241 frames spread over the clip."""
        return min(self._samples)

    @property
    def maximum(self) -> float:
        """The highest value at up to 241 frames spread over the clip."""
        return max(self._samples)

    @cached_property
    def _samples(self) -> list[float]:
        last = self.clock.frame_count - 1
        frames = sorted({last * part // _SAMPLES for part in range(_SAMPLES + 1)})
        values = self.values_at_many([float(self.clock.seconds(frame)) for frame in frames]).tolist()
        for frame, value in zip(frames, values, strict=True):
            if math.isnan(value):
                self.value_at(self.clock.seconds(frame))  # says what is wrong
        return values


def time_values(clock: Clock, seconds: Any, names: frozenset[str]) -> dict[str, Any]:
    """What t, f, b, u and the constants are at `seconds`, a float or a NumPy array of floats.

    Raises:
        ValueError: the names hold b and the clip has no tempo, or levels and it has no sound; in arrays those
            are NaN then.
    """
    values = {
        "t": seconds,
        "f": _steadied(clock.frames(seconds)),
        "u": seconds / float(clock.duration),
        "fps": float(clock.frame_unit or clock.fps),
        "tau": math.tau,
        "pi": math.pi,
    }
    if "b" in names:
        beats = clock.beats if isinstance(seconds, float) else clock.beats_many
        values["b"] = _steadied(_found(beats, seconds))
    for name in LEVELS.keys() & names:
        values[name] = _found(partial(clock.level, LEVELS[name]), seconds)
    return values


def _steadied(value: Any) -> Any:
    """A number, or an array of them, that is whole where only its last bits are not.

    Seconds are rounded, and so frame 30 might be 29.999999999999996: floor(b) would count a beat too late.
    """
    if isinstance(value, float):
        return float(round(value)) if abs(value - round(value)) < _TINY else value
    import numpy as np

    near = np.round(value)
    return np.where(np.abs(value - near) < _TINY, near, value)


def _found(function: Callable[[Any], Any], seconds: Any) -> Any:
    try:
        return function(seconds)
    except ValueError:
        if isinstance(seconds, float):
            raise
        return seconds * math.nan


def _converted(values: Any, convert: Callable[[float], float]) -> Any:
    import numpy as np

    return np.array([_or_nan(convert, value) for value in values.tolist()], dtype=float)


def _or_nan(convert: Callable[[float], float], value: float) -> float:
    try:
        return convert(value) if value == value else math.nan
    except ValueError:
        return math.nan
