"""Tracks whose keys have formulas for values: finished once the numbers that these read are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from .clock import Clock
from .easing import LINEAR, Easing
from .expressions import Expression
from .formula_track import time_values
from .track import Key, Repeat, Track


@dataclass(frozen=True)
class KeyFormula:
    """A key whose value is a formula, evaluated at the key's own time."""

    seconds: Fraction
    expression: Expression
    easing: Easing = LINEAR


class KeyFormulaError(ValueError):
    """A formula in a key has no value at the key's time.

    Attributes:
        name: of the track; index: of the key.
        errors: of a timeline, this one and those of all other tracks, one for each.
    """

    def __init__(self, name: str, index: int, message: str) -> None:
        super().__init__(message)
        self.name, self.index = name, index
        self.errors: tuple[KeyFormulaError, ...] = (self,)

    def __reduce__(self) -> tuple[type[KeyFormulaError], tuple[str, int, str]]:
        return KeyFormulaError, (self.name, self.index, str(self))


@dataclass(frozen=True)
class TrackDraft:
    """A `Track` to be; `convert` turns a formula's result into the track's number, and raises ValueError."""

    keys: tuple[Key | KeyFormula, ...]
    lowest: float = -math.inf
    spline: bool = False
    repeat: Repeat = "once"
    period: Fraction | None = None
    convert: Callable[[float], float] = float

    @property
    def formulas(self) -> tuple[KeyFormula, ...]:
        """The keys that have formulas."""
        return tuple(key for key in self.keys if isinstance(key, KeyFormula))

    @property
    def references(self) -> frozenset[str]:
        """The names that its formulas refer to."""
        return frozenset().union(*(key.expression.references for key in self.formulas))

    def finished(self, name: str, clock: Clock, read: Callable[[Fraction], Mapping[str, float]]) -> Track:
        """The track, called `name`; `read` gives the numbers that the formulas refer to at a key's time.

        Raises:
            KeyFormulaError: a formula has no value.
            ValueError: as `Track`.
        """
        keys = []
        for index, key in enumerate(self.keys):
            if isinstance(key, KeyFormula):
                try:
                    values = time_values(clock, float(key.seconds), key.expression.names)
                    value = self.convert(key.expression.evaluate({**read(key.seconds), **values}))
                except ValueError as error:
                    where = f"{key.expression} at {float(key.seconds):.4g} s"
                    raise KeyFormulaError(name, index, f"{where}: {error}") from None
                key = Key(key.seconds, value, key.easing)
            keys.append(key)
        return Track(tuple(keys), self.lowest, self.spline, self.repeat, self.period)
