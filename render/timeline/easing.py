"""Easings: curves from 0 to 1 that shape a move (CSS Easing Functions Level 1, and Penner's families).

Every curve maps [0, 1] to numbers, gives exactly 1 at 1 and exactly 0 at 0. The one exception is CSS's own:
`steps(n, start)` and `steps(n, jump-both)` take their first step at 0. Back and elastic leave [0, 1] on the
way. An in-out curve is the in curve at half size, then the out curve.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from .spelling import did_you_mean

Curve = Callable[[float], float]

_CALL = re.compile(r"([a-z-]+)\s*\(([^()]*)\)")
_BACK = 1.70158  # Penner's constant: an overshoot of 10 %
_ELASTIC_PERIOD = 0.3


# --- curves with parameters ---------------------------------------------------------------------------------


def cubic_bezier(x1: float, y1: float, x2: float, y2: float) -> Curve:
    """CSS cubic-bezier: the curve through (0, 0) and (1, 1) with two handles; x1, x2 lie in [0, 1].

    x(s) rises monotonically, so it is inverted by Newton steps kept inside a shrinking bracket, down to
    the last bit, and y(s) is read there.
    """

    def polynomial(first: float, second: float, s: float) -> float:
        return ((1 + 3 * first - 3 * second) * s + 3 * second - 6 * first) * s * s + 3 * first * s

    def slope(s: float) -> float:
        return 3 * (1 + 3 * x1 - 3 * x2) * s * s + 2 * (3 * x2 - 6 * x1) * s + 3 * x1

    def curve(x: float) -> float:
        if x <= 0 or x >= 1:
            return float(x >= 1)
        low, high, s = 0.0, 1.0, x
        for _ in range(100):
            error = polynomial(x1, x2, s) - x
            low, high = (s, high) if error < 0 else (low, s)
            steep = slope(s)
            following = s - error / steep if steep > 1e-9 else low
            if not low < following < high:
                following = (low + high) / 2
            if abs(following - s) < 1e-16:
                break
            s = following
        return polynomial(y1, y2, s)

    return curve


# position of the steps: (steps already taken at 0, intervals between the first and last value minus n)
_STEP_POSITIONS = {
    "end": (0, 0),
    "start": (1, 0),
    "jump-end": (0, 0),
    "jump-start": (1, 0),
    "jump-none": (0, -1),
    "jump-both": (1, 1),
}


def steps(count: int, position: str = "end") -> Curve:
    """CSS steps: `count` equal stairs; `position` says where they jump."""
    taken, more = _STEP_POSITIONS[position]
    jumps = count + more

    def curve(x: float) -> float:
        if x >= 1:
            return 1.0
        return min(math.floor(x * count) + taken, jumps) / jumps

    return curve


# --- the named families: each is given by its "in" form -----------------------------------------------------


def _power(exponent: int) -> Curve:
    return lambda x: x**exponent


def _exponential(x: float) -> float:
    return (2 ** (10 * x) - 1) / 1023  # shifted and scaled so that both ends are exact


def _elastic(x: float) -> float:
    return _exponential(x) * math.sin(math.tau * (1 - x) / _ELASTIC_PERIOD + math.pi / 2)


def _bounce(x: float) -> float:
    """A dropped ball that comes back to 1/4, 1/16 and 1/64 of its height, played backwards.

    In units of the first fall (4 / 11 of the whole) bounce k lasts 2 / 2^k; heights are parabolas.
    """
    fall = 2.75 * (1 - x)
    if fall <= 1:
        return 1 - fall * fall
    start, half = 1.0, 0.5
    while fall > start + 2 * half and half > 0.125:
        start, half = start + 2 * half, half / 2
    return max(0.0, half * half - (fall - start - half) ** 2)


_FAMILIES: dict[str, Curve] = {
    "sine": lambda x: 1 - math.cos(x * math.pi / 2) if x < 1 else 1.0,
    "quad": _power(2),
    "cubic": _power(3),
    "quart": _power(4),
    "quint": _power(5),
    "expo": _exponential,
    "circ": lambda x: 1 - math.sqrt(max(0.0, 1 - x * x)),
    "back": lambda x: x * x * ((_BACK + 1) * x - _BACK) if x < 1 else 1.0,
    "elastic": _elastic,
    "bounce": _bounce,
}


def _out(curve: Curve) -> Curve:
    return lambda x: 1 - curve(1 - x)


def _in_out(curve: Curve) -> Curve:
    return lambda x: curve(2 * x) / 2 if x < 0.5 else 1 - curve(2 - 2 * x) / 2


_TURNS: dict[str, Callable[[Curve], Curve]] = {"in": lambda curve: curve, "out": _out, "in-out": _in_out}

_NAMED: dict[str, Curve] = {
    "linear": lambda x: x,
    "ease": cubic_bezier(0.25, 0.1, 0.25, 1.0),
    "ease-in": cubic_bezier(0.42, 0.0, 1.0, 1.0),
    "ease-out": cubic_bezier(0.0, 0.0, 0.58, 1.0),
    "ease-in-out": cubic_bezier(0.42, 0.0, 0.58, 1.0),
    "hold": lambda x: float(x >= 1),
    "step-start": steps(1, "start"),
    "step-end": steps(1, "end"),
    **{
        f"ease-{turn}-{family}": turned(curve)
        for family, curve in _FAMILIES.items()
        for turn, turned in _TURNS.items()
    },
}
_SHORT = {f"{turn}-{family}": f"ease-{turn}-{family}" for family in _FAMILIES for turn in _TURNS}

EASING_NAMES: tuple[str, ...] = (*_NAMED, "steps(n)", "cubic-bezier(a, b, c, d)")


# --- text to curve ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Easing:
    """A curve from 0 to 1, known by its canonical name; call it with x in [0, 1] (values outside hold)."""

    name: str

    def __call__(self, x: float) -> float:
        return _curve(self.name)(min(max(x, 0.0), 1.0))

    @property
    def extent(self) -> tuple[float, float]:
        """The lowest and highest value the curve takes (sampled at 513 points)."""
        return _extent(self.name)

    def __str__(self) -> str:
        return self.name


@lru_cache(maxsize=512)
def parse_easing(text: str) -> Easing:
    """The easing called `text`: a CSS keyword, `hold`, `ease-in-quad` (or `in-quad`), `steps(n, start|end)`
    or `cubic-bezier(x1, y1, x2, y2)`.

    Raises:
        ValueError: nothing has that name (the message suggests one), or a parameter is out of range.
    """
    if not isinstance(text, str):
        raise ValueError(f"an easing is a name such as ease-in-out, not {text!r}")
    name = text.strip().lower()
    name = _SHORT.get(name, name)
    if name in _NAMED:
        return Easing(name)
    call = _CALL.fullmatch(name)
    if call and call[1] in _CALLS:
        arguments = [argument.strip() for argument in call[2].split(",")]
        canonical = _CALLS[call[1]](arguments)
        _curve(canonical)
        return Easing(canonical)
    word = name.split("(")[0]
    raise ValueError(f"unknown easing {text.strip()!r}{_suggestion(word, '(' in name)}")


LINEAR = Easing("linear")
HOLD = Easing("hold")


def _suggestion(word: str, called: bool) -> str:
    if word in _CALLS:
        return f"; write {_SHAPES[word]}"
    if called and word in _NAMED:
        return f"; {word} takes no parameters"
    camel = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", word)
    near = did_you_mean(camel, [*_NAMED, *_SHORT, *_CALLS])
    return near or "; try linear, ease, ease-in, ease-out, ease-in-out or hold"


_SHAPES = {"steps": "steps(4) or steps(4, start)", "cubic-bezier": "cubic-bezier(x1, y1, x2, y2)"}


def _steps_name(arguments: list[str]) -> str:
    position = arguments[1] if len(arguments) > 1 else "end"
    if len(arguments) > 2 or not arguments[0].isdecimal():
        raise ValueError(f"steps takes a whole number and where to jump: {_SHAPES['steps']}")
    if position not in _STEP_POSITIONS:
        raise ValueError(f"steps cannot jump at {position!r}{did_you_mean(position, _STEP_POSITIONS)}")
    count = int(arguments[0])
    if count + min(_STEP_POSITIONS[position][1], 0) < 1 or count > 10_000:
        raise ValueError(f"steps takes 1 to 10000 steps (jump-none at least 2), not {count}")
    return f"steps({count})" if position == "end" else f"steps({count}, {position})"


def _bezier_name(arguments: list[str]) -> str:
    try:
        numbers = [float(argument) for argument in arguments]
    except ValueError:
        numbers = []
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise ValueError("cubic-bezier takes four numbers: cubic-bezier(x1, y1, x2, y2)")
    if not all(0 <= number <= 1 for number in numbers[::2]):
        raise ValueError(
            f"the x values of cubic-bezier lie from 0 to 1, not {numbers[0]:g} and {numbers[2]:g}"
        )
    return f"cubic-bezier({', '.join(repr(number).removesuffix('.0') for number in numbers)})"


_CALLS: dict[str, Callable[[list[str]], str]] = {"steps": _steps_name, "cubic-bezier": _bezier_name}


def _build_steps(arguments: list[str]) -> Curve:
    return steps(int(arguments[0]), *arguments[1:])


def _build_bezier(arguments: list[str]) -> Curve:
    return cubic_bezier(*map(float, arguments))


_BUILDERS: dict[str, Callable[[list[str]], Curve]] = {"steps": _build_steps, "cubic-bezier": _build_bezier}


@lru_cache(maxsize=512)
def _curve(name: str) -> Curve:
    if name in _NAMED:
        return _NAMED[name]
    call = _CALL.fullmatch(name)
    if call is None:
        raise ValueError(f"unknown easing {name!r}; make easings with parse_easing")
    return _BUILDERS[call[1]]([argument.strip() for argument in call[2].split(",")])


@lru_cache(maxsize=512)
def _extent(name: str) -> tuple[float, float]:
    values = [_curve(name)(index / 512) for index in range(513)]
    return min(values), max(values)
