"""Tracks: one animated number over time, as keys with easings or one spline between them."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, partial
from itertools import pairwise
from typing import Any, Literal

from .easing import LINEAR, Easing
from .spline import Spline

Repeat = Literal["once", "loop", "mirror"]
REPEATS: tuple[Repeat, ...] = ("once", "loop", "mirror")
_SAME_MOMENT = 1e-9  # seconds by which a moment given as a float may miss the instant of a wrap


@dataclass(frozen=True)
class Key:
    """A value at a time; `easing` shapes the segment that leaves this key."""

    seconds: Fraction
    value: float
    easing: Easing = LINEAR


@dataclass(frozen=True)
class Track:
    """An animated number: at least one key, in order of time.

    Before the first and after the last key the value holds. Of several keys at one time the last one counts
    from that time on, and the first one is where the segment before it arrives: a jump.

    Attributes:
        lowest: the value never goes below it, however far an easing overshoots.
        spline: one smooth curve through all keys in place of their easings; it never overshoots.
        repeat: `loop` and `mirror` repeat the span from the first to the last key in both directions: over
            and over, or back and forth. At the instant a loop wraps, the first key counts.
        period: seconds of a looping clip. A spline that is not repeated then runs on from the last key to
            the first one of the next round, and is smooth there as well (unless its keys span more).

    Raises:
        ValueError: no keys, keys out of order, or nothing to repeat.
    """

    keys: tuple[Key, ...]
    lowest: float = -math.inf
    spline: bool = False
    repeat: Repeat = "once"
    period: Fraction | None = None
    _seconds: tuple[Fraction, ...] = field(init=False, repr=False, compare=False)
    _values: tuple[float, ...] = field(init=False, repr=False, compare=False)
    _curve: Spline | None = field(init=False, repr=False, compare=False)
    _round: Fraction | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        seconds = tuple(key.seconds for key in self.keys)
        values = tuple(key.value for key in self.keys)
        if not seconds:
            raise ValueError("a track needs at least one key")
        if any(later < earlier for earlier, later in pairwise(seconds)):
            raise ValueError("the keys of a track stand in order of time")
        if self.repeat not in REPEATS:
            raise ValueError(f"a track repeats {', '.join(REPEATS)}, not {self.repeat!r}")
        span = seconds[-1] - seconds[0]
        if self.repeat != "once" and span == 0:
            raise ValueError("there is nothing to repeat: all keys lie at one time")
        runs_on = self.spline and self.repeat == "once" and span > 0
        if runs_on and self.period is not None and span <= self.period:
            if span < self.period:
                seconds, values = (*seconds, seconds[0] + self.period), (*values, values[0])
            length: Fraction | None = self.period
        else:
            length = span if self.repeat != "once" else None
        set_field = partial(object.__setattr__, self)
        set_field("_seconds", seconds)
        set_field("_values", values)
        set_field("_round", length)
        set_field("_curve", self._spline_through(seconds, values) if self.spline else None)

    def _spline_through(self, seconds: tuple[Fraction, ...], values: tuple[float, ...]) -> Spline:
        joined = self._round is not None and self.repeat != "mirror" and values[0] == values[-1]
        ends = "flat" if self.repeat == "mirror" else "joined" if joined else "open"
        return Spline.through(list(zip(map(float, seconds), values, strict=True)), ends)

    @classmethod
    def constant(cls, value: float) -> Track:
        """A track that always has `value`."""
        return cls((Key(Fraction(0), value),))

    @classmethod
    def through(cls, points: Iterable[tuple[Fraction, float]], easing: Easing = LINEAR) -> Track:
        """A track through (seconds, value) points with one easing for every segment."""
        return cls(tuple(Key(Fraction(seconds), value, easing) for seconds, value in points))

    def value_at(self, seconds: Fraction | float) -> float:
        """The value at `seconds`: exactly there for a Fraction, within rounding for a float."""
        times = self._floats if isinstance(seconds, float) else self._seconds
        seconds = self._within(seconds)
        index = bisect.bisect_right(times, seconds) - 1
        if index < 0:
            return self._values[0]
        if index == len(times) - 1:
            return self._values[-1]
        start, end = self._values[index], self._values[index + 1]
        if start == end:
            return start
        part = float((seconds - times[index]) / (times[index + 1] - times[index]))
        if self._curve is not None:
            return self._curve.piece(index, part)
        return max(self.lowest, start + (end - start) * self.keys[index].easing(part))

    def values_at_many(self, seconds: Any) -> Any:
        """The values at many moments: a NumPy array [N] of floats for N numbers of seconds."""
        import numpy as np

        moments = self._within_many(seconds)
        if len(self._seconds) == 1:
            return np.full(moments.shape, float(self._values[0]))
        times, values = self._points
        index = np.searchsorted(times, moments, side="right") - 1
        outside = (index < 0) | (index == len(times) - 1)
        held = np.where(index < 0, values[0], values[-1])
        index = np.clip(index, 0, len(times) - 2)
        width = times[index + 1] - times[index]
        part = (moments - times[index]) / np.where(width > 0, width, 1.0)
        start, end = values[index], values[index + 1]
        if self._curve is not None:
            moved = self._curve.many(index, np.clip(part, 0.0, 1.0))
        else:
            moved = start + (end - start) * self._shaped(index, part, ~outside & (start != end))
            moved = np.where(start == end, start, np.maximum(self.lowest, moved))
        return np.where(outside, held, moved)

    def _shaped(self, index: Any, part: Any, wanted: Any) -> Any:
        """The parts of the way as each segment's easing shapes them, where they are wanted."""
        import numpy as np

        shaped = part.copy()
        easings, codes = self._easings
        code = codes[index]
        for number in np.unique(code[wanted]).tolist():
            if easings[number] != LINEAR:
                chosen = wanted & (code == number)
                shaped[chosen] = easings[number].many(part[chosen])
        return shaped

    @cached_property
    def _easings(self) -> tuple[list[Easing], Any]:
        """The easings in use, and for each key the index of its own."""
        import numpy as np

        easings = list(dict.fromkeys(key.easing for key in self.keys))
        numbers = {easing: number for number, easing in enumerate(easings)}
        return easings, np.array([numbers[key.easing] for key in self.keys])

    @cached_property
    def _floats(self) -> tuple[float, ...]:
        return tuple(map(float, self._seconds))

    @cached_property
    def _points(self) -> tuple[Any, Any]:
        import numpy as np

        return np.array(self._floats), np.array(self._values, dtype=float)

    @property
    def weight(self) -> int:
        """What one value of `values_at_many` costs, in plain operations."""
        return 20 + max(key.easing.weight for key in self.keys) * (not self.spline)

    def _within(self, seconds: Fraction | float) -> Fraction | float:
        """The moment of the first round that shows what `seconds` shows."""
        if self._round is None:
            return seconds
        if isinstance(seconds, float):
            first, length, once = self._floats[0], float(self._length), float(self._round)
            passed = (seconds - first) % length
            passed = 0.0 if length - passed < _SAME_MOMENT else passed
        else:
            first, length, once = self._seconds[0], self._length, self._round
            passed = (seconds - first) % length
        return first + (length - passed if passed > once else passed)

    def _within_many(self, seconds: Any) -> Any:
        import numpy as np

        if self._round is None:
            return np.array(seconds, dtype=float)
        first, length, once = (float(number) for number in (self._floats[0], self._length, self._round))
        passed = (np.array(seconds, dtype=float) - first) % length
        passed = np.where(length - passed < _SAME_MOMENT, 0.0, passed)
        return first + np.where(passed > once, length - passed, passed)

    @property
    def _length(self) -> Fraction:
        """Seconds after which it shows the same again."""
        return self._round * 2 if self.repeat == "mirror" else self._round

    @property
    def is_constant(self) -> bool:
        """Whether every key has the same value."""
        return all(key.value == self.keys[0].value for key in self.keys)

    @property
    def first(self) -> float:
        """The value before and at the first key (before its jump, where several keys share that time)."""
        return self.keys[0].value

    @property
    def last(self) -> float:
        """The value from the last key on; of a repeated track the last key's."""
        return self.keys[-1].value

    @property
    def minimum(self) -> float:
        """The lowest value, counting easings that overshoot."""
        return max(self.lowest, min(self._extremes()))

    @property
    def maximum(self) -> float:
        """The highest value, counting easings that overshoot."""
        return max(self._extremes())

    def _extremes(self) -> Iterable[float]:
        yield from (key.value for key in self.keys)
        for key, following in pairwise(() if self.spline else self.keys):
            if following.seconds > key.seconds:
                for part in key.easing.extent:
                    yield key.value + (following.value - key.value) * part
