"""Tracks of names: which model, or which class of a network, holds when; with cuts, fades and mixes."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from .easing import LINEAR, Easing


@dataclass(frozen=True)
class NameKey:
    """A name, or a mix of names, from a time on.

    Attributes:
        mix: shares by name, 0 or more, of any sum above 0; one name is `{name: 1}`.
        fade: seconds that the change to this mix takes; 0 cuts.
        easing: shapes the fade, or where it `blends` the move to the next key.
        blends: whether it moves to the next key's mix over the whole segment that leaves it.
    """

    seconds: Fraction
    mix: Mapping[str, float]
    fade: Fraction = Fraction(0)
    easing: Easing = LINEAR
    blends: bool = False

    @classmethod
    def of(
        cls, seconds: Fraction, name: str, fade: Fraction = Fraction(0), easing: Easing = LINEAR
    ) -> NameKey:
        """A key of one name."""
        return cls(seconds, {name: 1.0}, fade, easing)


@dataclass(frozen=True)
class NameTrack:
    """Names over time: at least one key, in order of time; of several keys at one time the last one counts.

    A fade begins at its key's time, with what is shown at that moment (an unfinished fade included). Before
    the first key its mix holds; in a looping clip (with a `period`, seconds) the last key's does, so that
    what the last key started goes on, and the first key's fade begins with it: every round is like the one
    before, also where fades are longer than the time to the next key.

    Raises:
        ValueError: no keys, keys out of order, a fade below 0, or a mix without shares.
    """

    keys: tuple[NameKey, ...]
    period: Fraction | None = None
    _seconds: tuple[Fraction, ...] = field(init=False, repr=False, compare=False)
    _mixes: tuple[dict[str, float], ...] = field(init=False, repr=False, compare=False)
    _before: tuple[dict[str, float], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        seconds = tuple(key.seconds for key in self.keys)
        if not seconds:
            raise ValueError("a track of names needs at least one key")
        if any(later < earlier for earlier, later in pairwise(seconds)):
            raise ValueError("the keys of a track of names stand in order of time")
        if any(key.fade < 0 for key in self.keys):
            raise ValueError("a fade lasts 0 seconds or more")
        object.__setattr__(self, "_seconds", seconds)
        object.__setattr__(self, "_mixes", tuple(_shares(key.mix) for key in self.keys))
        object.__setattr__(self, "_before", self._starts())

    @classmethod
    def constant(cls, name: str) -> NameTrack:
        """A track that always has one name."""
        return cls((NameKey.of(Fraction(0), name),))

    def weights_at(self, seconds: Fraction | float) -> dict[str, float]:
        """The weight of each name at `seconds`: above 0, together 1."""
        first, last = self._seconds[0], self._seconds[-1]
        if self.period is not None and (seconds < first or last - first <= self.period):
            seconds = first + (seconds - first) % self.period
        elif seconds < first:
            return dict(self._mixes[0])
        return self._weights(bisect.bisect_right(self._seconds, seconds) - 1, seconds, self._before)

    def name_at(self, seconds: Fraction | float) -> str:
        """The name that has the greatest weight at `seconds`; the first one of equals."""
        weights = self.weights_at(seconds)
        return max(weights, key=weights.__getitem__)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All names with a share, in the order in which they are written."""
        return tuple(dict.fromkeys(name for mix in self._mixes for name in mix))

    @property
    def is_constant(self) -> bool:
        """Whether every key has the same mix."""
        return all(mix == self._mixes[0] for mix in self._mixes)

    def _starts(self) -> tuple[dict[str, float], ...]:
        """For each key what is shown just before it, from which its fade begins."""
        if self.period is None:
            return self._starts_after(self._mixes[0])
        # A round has to begin with what it ends with. Of what it begins with, fades that never get to their
        # end leave a part c at its end, and the keys add the rest d: x = c·x + d. A round that begins with
        # nothing ends with d, and weights are 1 together: x = d / (1 - c) is d with a sum of 1.
        again = max(self._seconds[0] + self.period, self._seconds[-1])
        rest = self._weights(len(self.keys) - 1, again, self._starts_after({}))
        return self._starts_after(_shares(rest) if rest else self._mixes[-1])

    def _starts_after(self, first: dict[str, float]) -> tuple[dict[str, float], ...]:
        starts = [first]
        for index, seconds in enumerate(self._seconds[1:]):
            starts.append(self._weights(index, seconds, starts))
        return tuple(starts)

    def _weights(
        self,
        index: int,
        seconds: Fraction | float,
        before: tuple[dict[str, float], ...] | list[dict[str, float]],
    ) -> dict[str, float]:
        """The weights after key `index` and not after the next one; `before` reaches at least to `index`."""
        key, shown = self.keys[index], self._mixes[index]
        if key.blends and index + 1 < len(self.keys):
            following = self._seconds[index + 1]
            if following > key.seconds:
                part = float((seconds - key.seconds) / (following - key.seconds))
                shown = _between(shown, self._mixes[index + 1], key.easing(part))
        if seconds - key.seconds < key.fade:
            part = float((seconds - key.seconds) / key.fade)
            shown = _between(before[index], shown, part if key.blends else key.easing(part))
        return dict(shown)


def _shares(mix: Mapping[str, float]) -> dict[str, float]:
    """The shares above 0 of a mix, together 1."""
    if not all(math.isfinite(share) and share >= 0 for share in mix.values()) or not sum(mix.values()) > 0:
        raise ValueError("a mix of names has shares of 0 or more, and at least one above 0")
    total = sum(mix.values())
    return {name: share / total for name, share in mix.items() if share > 0}


def _between(start: Mapping[str, float], end: Mapping[str, float], part: float) -> dict[str, float]:
    """The mix `part` of the way from `start` to `end`; easings that overshoot stop at the ends."""
    part = min(max(part, 0.0), 1.0)
    weights = {
        name: (1 - part) * start.get(name, 0.0) + part * end.get(name, 0.0) for name in {**start, **end}
    }
    return {name: weight for name, weight in weights.items() if weight > 0}
