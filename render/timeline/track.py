"""Tracks: one animated number over time, as keys with easings between them."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from .easing import LINEAR, Easing


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

    lowest: the value never goes below it, however far an easing overshoots

    Raises:
        ValueError: no keys, or keys out of order.
    """

    keys: tuple[Key, ...]
    lowest: float = -math.inf
    _seconds: tuple[Fraction, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        seconds = tuple(key.seconds for key in self.keys)
        if not seconds:
            raise ValueError("a track needs at least one key")
        if any(later < earlier for earlier, later in pairwise(seconds)):
            raise ValueError("the keys of a track stand in order of time")
        object.__setattr__(self, "_seconds", seconds)

    @classmethod
    def constant(cls, value: float) -> Track:
        """A track that always has `value`."""
        return cls((Key(Fraction(0), value),))

    @classmethod
    def through(cls, points: Iterable[tuple[Fraction, float]], easing: Easing = LINEAR) -> Track:
        """A track through (seconds, value) points with one easing for every segment."""
        return cls(tuple(Key(Fraction(seconds), value, easing) for seconds, value in points))

    def value_at(self, seconds: Fraction | float) -> float:
        """The value at `seconds`."""
        index = bisect.bisect_right(self._seconds, seconds) - 1
        if index < 0:
            return self.keys[0].value
        key = self.keys[index]
        if index == len(self.keys) - 1:
            return key.value
        following = self.keys[index + 1]
        if key.value == following.value:
            return key.value
        part = key.easing(float((seconds - key.seconds) / (following.seconds - key.seconds)))
        return max(self.lowest, key.value + (following.value - key.value) * part)

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
        """The value from the last key on."""
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
        for key, following in pairwise(self.keys):
            if following.seconds > key.seconds:
                for part in key.easing.extent:
                    yield key.value + (following.value - key.value) * part
