"""What a formula may call: each function for one number and, in the same words, for NumPy arrays of numbers.

The two forms agree: where the plain one raises or has no finite value, the array one has NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

VARIABLES: dict[str, str] = {
    "t": "seconds since the start",
    "f": "frames since the start",
    "b": "beats since beat 0 (needs clip.bpm)",
    "u": "part of the clip, 0 to 1",
    "fps": "frames a second",
    "tau": "6.283…, a full turn",
    "pi": "3.141…, half a turn",
}
# How loud the clip's sound is, by bands; see `expressions` for how they are written.
LEVELS: dict[str, str] = {f"audio({band})": band for band in ("low", "mid", "high")}
MOVING = frozenset({"t", "f", "b", "u", *LEVELS})  # the variables that change over a clip


@dataclass(frozen=True)
class Function:
    """A function of formulas.

    Attributes:
        plain: for floats; raises ValueError, ZeroDivisionError or OverflowError where it has no value.
        many: the same for arrays, given NumPy first: `many(np, x, …)`.
        fewest, most: numbers it takes.
        says: what it gives, for documentation.
        weight: what it costs, in plain operations.
    """

    plain: Callable[..., float]
    many: Callable[..., Any]
    fewest: int
    most: int
    says: str
    weight: int = 1


# --- shapes -------------------------------------------------------------------------------------------------


def _clamp(x: float, low: float = 0.0, high: float = 1.0) -> float:
    return min(max(x, low), high)


def _clamp_many(np: Any, x: Any, low: Any = 0.0, high: Any = 1.0) -> Any:
    return np.minimum(np.maximum(x, low), high)


def _lerp(start: float, end: float, part: float) -> float:
    return start + (end - start) * part


def _smoothstep(low: float, high: float, x: float) -> float:
    if low == high:
        return float(x >= high)
    part = _clamp((x - low) / (high - low))
    return part * part * (3 - 2 * part)


def _smoothstep_many(np: Any, low: Any, high: Any, x: Any) -> Any:
    same = np.equal(low, high)
    part = _clamp_many(np, (x - low) / np.where(same, 1.0, high - low))
    return np.where(same, np.greater_equal(x, high), part * part * (3 - 2 * part))


def _layer(position: float) -> float:
    return 4 * 2 ** (position / 2)


# --- beat: an envelope on every beat ------------------------------------------------------------------------

_STEEPNESS = 4.0  # of the fall; it begins e^4 = 55 times as steep as it ends
_FLOOR = math.exp(-_STEEPNESS)


def _beat(b: float, attack: float = 0.05, decay: float = 0.5) -> float:
    # The top is on the beat itself, where a frame may lie; a top soon after it would fall between two frames.
    passed = b - math.floor(b)
    rise = _clamp(attack)
    fall = _clamp(decay, 0.0, 1.0 - rise)
    if passed == 0:
        return 1.0
    if passed < fall:
        return _clamp((math.exp(-_STEEPNESS * passed / fall) - _FLOOR) / (1 - _FLOOR))
    return _clamp(1 - (1 - passed) / rise) if rise > 0 else 0.0


def _beat_many(np: Any, b: Any, attack: Any = 0.05, decay: Any = 0.5) -> Any:
    passed = b - np.floor(b)
    rise = _clamp_many(np, attack)
    fall = _clamp_many(np, decay, 0.0, 1.0 - rise)
    falling = np.exp(-_STEEPNESS * passed / np.where(fall > 0, fall, 1.0))
    falling = _clamp_many(np, (falling - _FLOOR) / (1 - _FLOOR))
    rising = _clamp_many(np, 1 - (1 - passed) / np.where(rise > 0, rise, 1.0))
    rising = np.where(np.greater(rise, 0), rising, 0.0)
    return np.where(passed == 0, 1.0, np.where(passed < fall, falling, rising))


# --- noise: a seeded smooth curve ---------------------------------------------------------------------------
# Heights drawn for every whole number, with a uniform cubic B-spline over them: two continuous derivatives,
# never outside the heights, and no standstill at whole numbers.

_CELLS = 2.0**32  # after so many whole numbers the heights come again
_WORD = 2**64 - 1
_STRIDE, _SEED_STRIDE, _MIX_1, _MIX_2 = (
    0x9E3779B97F4A7C15,
    0xD1342543DE82EF95,
    0xBF58476D1CE4E5B9,
    0x94D049BB133111EB,
)


def _height(cell: float, seed: float) -> float:
    """A number in [-1, 1) for a cell of a seed: Steele, Lea and Flood's SplitMix64 as a hash."""
    word = (int(cell % _CELLS) * _STRIDE + int(seed % _CELLS) * _SEED_STRIDE + _STRIDE) & _WORD
    word = ((word ^ (word >> 30)) * _MIX_1) & _WORD
    word = ((word ^ (word >> 27)) * _MIX_2) & _WORD
    return ((word ^ (word >> 31)) >> 11) / 2.0**52 - 1.0


def _heights(np: Any, cell: Any, seed: Any) -> Any:
    cells, seeds = (np.nan_to_num(np.mod(number, _CELLS)).astype(np.uint64) for number in (cell, seed))
    word = cells * np.uint64(_STRIDE) + seeds * np.uint64(_SEED_STRIDE) + np.uint64(_STRIDE)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(_MIX_1)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(_MIX_2)
    return ((word ^ (word >> np.uint64(31))) >> np.uint64(11)).astype(float) / 2.0**52 - 1.0


def _spread(part: Any) -> tuple[Any, Any, Any, Any]:
    """The weights of the four heights around a place `part` of the way between the middle two; sum 1."""
    left, square, cube = 1 - part, part * part, part * part * part
    return (
        left * left * left / 6,
        (3 * cube - 6 * square + 4) / 6,
        (3 * (square - cube) + 3 * part + 1) / 6,
        cube / 6,
    )


def _noise(x: float, seed: float = 0.0) -> float:
    cell, seed = float(math.floor(x)), float(math.floor(seed))
    weights = _spread(x - cell)
    value = sum(weight * _height(cell + step, seed) for step, weight in enumerate(weights, -1))
    return _clamp(value, -1.0, 1.0)


def _noise_many(np: Any, x: Any, seed: Any = 0.0) -> Any:
    cell, seed = np.floor(x), np.floor(seed)
    weights = _spread(x - cell)
    value = sum(weight * _heights(np, cell + step, seed) for step, weight in enumerate(weights, -1))
    return _clamp_many(np, value, -1.0, 1.0)


# --- the table ----------------------------------------------------------------------------------------------


def _same(name: str) -> Callable[..., Any]:
    """NumPy's function of that name."""
    return lambda np, *numbers: getattr(np, name)(*numbers)


def _folded(name: str) -> Callable[..., Any]:
    """NumPy's function of two arrays, over any number of them."""

    def fold(np: Any, first: Any, *more: Any) -> Any:
        for each in more:
            first = getattr(np, name)(first, each)
        return first

    return fold


def _whole(x: float) -> float:
    return float(math.floor(x + 0.5))


FUNCTIONS: dict[str, Function] = {
    "sin": Function(math.sin, _same("sin"), 1, 1, "the sine of an angle in radians"),
    "cos": Function(math.cos, _same("cos"), 1, 1, "the cosine"),
    "tan": Function(math.tan, _same("tan"), 1, 1, "the tangent"),
    "sqrt": Function(math.sqrt, _same("sqrt"), 1, 1, "the square root"),
    "exp": Function(math.exp, _same("exp"), 1, 1, "e to the power of a number"),
    "log": Function(math.log, _same("log"), 1, 1, "the natural logarithm"),
    "abs": Function(abs, _same("abs"), 1, 1, "the number without its sign"),
    "min": Function(min, _folded("minimum"), 2, 20, "the lowest of the numbers"),
    "max": Function(max, _folded("maximum"), 2, 20, "the highest of the numbers"),
    "floor": Function(lambda x: float(math.floor(x)), _same("floor"), 1, 1, "the whole number below"),
    "ceil": Function(lambda x: float(math.ceil(x)), _same("ceil"), 1, 1, "the whole number above"),
    "round": Function(
        _whole, lambda np, x: np.floor(x + 0.5), 1, 1, "the nearest whole number; halves go up"
    ),
    "clamp": Function(_clamp, _clamp_many, 1, 3, "clamp(x, low=0, high=1): x kept from low to high", 2),
    "lerp": Function(
        _lerp, lambda _, *given: _lerp(*given), 3, 3, "lerp(a, b, part): part of the way from a to b", 2
    ),
    "smoothstep": Function(
        _smoothstep, _smoothstep_many, 3, 3, "smoothstep(low, high, x): 0 to 1, smooth at both ends", 6
    ),
    "layer": Function(
        _layer, lambda np, x: 4 * np.power(2.0, x / 2), 1, 1, "the resolution of a position", 3
    ),
    "beat": Function(
        _beat,
        _beat_many,
        1,
        3,
        "beat(b, attack=0.05, decay=0.5): 1 on each beat, up to it in `attack` beats, down to 0 in `decay`",
        14,
    ),
    "noise": Function(_noise, _noise_many, 1, 2, "noise(x, seed=0): smooth and random, from -1 to 1", 60),
}
