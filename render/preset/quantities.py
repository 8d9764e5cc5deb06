"""What animated numbers measure: how each is written, and which numbers its track carries."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .layer_ranges import MOST_ROWS
from .layers import position_of, position_of_resolution, resolution_of
from .values import read_number

FARTHEST = 100  # beyond such weights float32 has nothing left to draw


@dataclass(frozen=True)
class Quantity:
    """What an animated number measures.

    Attributes:
        name: the word for it, and the name of its JSON Schema definition.
        number: turns a value as written into the track's number; raises ValueError.
        from_formula: turns a formula's result into the track's number; raises ValueError.
        lowest: where the track's number ends, even if an easing overshoots.
        written: turns the track's number into the one that formulas read: a swap's resolution.
        example: keys as a person would write them.
    """

    name: str
    number: Callable[[Any], float] = field(compare=False)
    from_formula: Callable[[float], float] = field(compare=False)
    lowest: float = -math.inf
    written: Callable[[float], float] = field(default=float, compare=False)
    example: str = field(default="[[0s, 0], [end, 1]]", compare=False)


def _within(what: str, minimum: float = -math.inf, maximum: float = math.inf) -> Callable[[Any], float]:
    return partial(read_number, minimum=minimum, maximum=maximum, what=what)


def _above_zero(value: Any) -> float:
    number = read_number(value, minimum=0, what="a zoom")
    if number == 0:
        raise ValueError("a zoom is above 0: 2 shows everything twice as large, 0.5 half as large")
    return number


TRUNCATION = Quantity(
    "truncation", _within("this", -FARTHEST, FARTHEST), _within("truncation", -FARTHEST, FARTHEST)
)
WEIGHT = Quantity("weight", *2 * (_within("a weight", -FARTHEST, FARTHEST),))
WIDTH = Quantity("width", *2 * (_within("a width", 0),), lowest=0)
KIMG = Quantity("kimg", *2 * (_within("a snapshot's kimg", 0),), lowest=0)
SWAP = Quantity(
    "swap",
    position_of,
    position_of_resolution,
    written=resolution_of,
    example="[[0s, 4], [end, 64]]; for one layer write 32/1",
)
PLACE = Quantity("walk_position", _within("a position along the walk"), float)
CUTOFF = Quantity("truncation_cutoff", *2 * (_within("a cutoff", 0, MOST_ROWS),), lowest=0)
NUMBER = Quantity("number", _within("this"), float)
ZOOM = Quantity("zoom", *2 * (_above_zero,), lowest=1e-3)
