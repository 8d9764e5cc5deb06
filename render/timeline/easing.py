"""Easings: curves known by a name or a call, as CSS writes them: `ease-in-out`, `steps(4)`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from .curves import NAMED, SHORT, STEP_POSITIONS, Curve, cubic_bezier, linear_stops, steps
from .spelling import did_you_mean

EASING_NAMES: tuple[str, ...] = (*NAMED, "steps(n)", "cubic-bezier(a, b, c, d)", "linear(a, b 50%, c)")

MAX_TEXT, MAX_STOPS = 1000, 64
_FARTHEST = 100  # the values of a curve; a move is 1
_CALL = re.compile(r"([a-z-]+)\s*\(([^()]*)\)")
_STOP_PART = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(%?)")


@dataclass(frozen=True)
class Easing:
    """A curve from 0 to 1, known by its canonical name; call it with x in [0, 1] (values outside hold)."""

    name: str

    def __call__(self, x: float) -> float:
        return _curve(self.name)(min(max(x, 0.0), 1.0))

    def many(self, x: Any) -> Any:
        """The same for a NumPy array of numbers."""
        import numpy as np

        inside = np.clip(x, 0.0, 1.0)
        if self.name == "linear":
            return inside
        curve = _curve(self.name)
        return np.array([curve(part) for part in inside.tolist()], dtype=float)

    @property
    def weight(self) -> int:
        """What one value of `many` costs, in plain operations."""
        if self.name == "linear":
            return 0
        return 600 if "bezier" in self.name or self.name in _BEZIERS else 60

    @property
    def extent(self) -> tuple[float, float]:
        """The lowest and highest value the curve takes (sampled at 513 points)."""
        return _extent(self.name)

    def __str__(self) -> str:
        return self.name


@lru_cache(maxsize=512)
def parse_easing(text: str) -> Easing:
    """The easing called `text`: a CSS keyword, `hold`, `ease-in-quad` (or `in-quad`), `steps(n, start|end)`,
    `cubic-bezier(x1, y1, x2, y2)`, or `linear(0, 0.4 20%, 1)` with as many stops as you like.

    Raises:
        ValueError: nothing has that name (the message suggests one), or a parameter is out of range.
    """
    if not isinstance(text, str):
        raise ValueError(f"an easing is a name such as ease-in-out, not {text!r}")
    if len(text) > MAX_TEXT:
        raise ValueError(f"an easing of {len(text)} characters is too long; at most {MAX_TEXT}")
    name = text.strip().lower()
    name = SHORT.get(name, name)
    if name in NAMED:
        return Easing(name)
    call = _CALL.fullmatch(name)
    if call and call[1] in _CALLS:
        arguments = [argument.strip() for argument in call[2].split(",")]
        canonical = _CALLS[call[1]](arguments)
        _curve(canonical)
        return Easing(canonical)
    word = name.split("(")[0]
    raise ValueError(f"unknown easing {text.strip()!r}{_suggestion(word, '(' in name)}")


_BEZIERS = {"ease", "ease-in", "ease-out", "ease-in-out"}
LINEAR = Easing("linear")
HOLD = Easing("hold")


def _suggestion(word: str, called: bool) -> str:
    if word in _CALLS:
        return f"; write {_SHAPES[word]}"
    if called and word in NAMED:
        return f"; {word} takes no parameters"
    camel = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", word)
    near = did_you_mean(camel, [*NAMED, *SHORT, *_CALLS])
    return near or "; try linear, ease, ease-in, ease-out, ease-in-out or hold"


_SHAPES = {
    "steps": "steps(4) or steps(4, start)",
    "cubic-bezier": "cubic-bezier(x1, y1, x2, y2)",
    "linear": "linear, or stops such as linear(0, 0.4 20%, 1)",
}


def _steps_name(arguments: list[str]) -> str:
    position = arguments[1] if len(arguments) > 1 else "end"
    if len(arguments) > 2 or not arguments[0].isdecimal():
        raise ValueError(f"steps takes a whole number and where to jump: {_SHAPES['steps']}")
    if position not in STEP_POSITIONS:
        raise ValueError(f"steps cannot jump at {position!r}{did_you_mean(position, STEP_POSITIONS)}")
    count = int(arguments[0])
    if count + min(STEP_POSITIONS[position][1], 0) < 1 or count > 10_000:
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
    return f"cubic-bezier({', '.join(map(_number_text, numbers))})"


def _stops_name(arguments: list[str]) -> str:
    if not 2 <= len(arguments) <= MAX_STOPS:
        raise ValueError(f"linear( ) takes 2 to {MAX_STOPS} stops, not {len(arguments)}; {_STOPS_HELP}")
    return f"linear({', '.join(_stop_text(*_read_stop(argument)) for argument in arguments)})"


_STOPS_HELP = "write for example linear(0, 0.4 20%, 1)"


def _read_stop(text: str) -> tuple[float, list[float]]:
    """The value of a stop and its places in percent: none, one, or two (it holds from one to the other)."""
    parts = [_STOP_PART.fullmatch(part) for part in text.split()]
    if not parts or None in parts:
        raise ValueError(f"cannot read the stop {text!r} of linear( ); {_STOPS_HELP}")
    values = [float(number) for number, percent in map(re.Match.groups, parts) if not percent]
    places = [float(number) for number, percent in map(re.Match.groups, parts) if percent]
    if len(values) != 1 or len(places) > 2:
        raise ValueError(f"a stop of linear( ) is a value and up to two places, not {text!r}; {_STOPS_HELP}")
    if not all(0 <= place <= 100 for place in places):
        raise ValueError(f"the places of linear( ) lie from 0% to 100%, not {text!r}")
    if not abs(values[0]) <= _FARTHEST:
        raise ValueError(f"the values of linear( ) lie from -{_FARTHEST} to {_FARTHEST}, not {text!r}")
    return values[0], places


def _stop_text(value: float, places: list[float]) -> str:
    return " ".join([_number_text(value), *(f"{_number_text(place)}%" for place in places)])


def _number_text(number: float) -> str:
    return repr(number).removesuffix(".0")


_CALLS: dict[str, Callable[[list[str]], str]] = {
    "steps": _steps_name,
    "cubic-bezier": _bezier_name,
    "linear": _stops_name,
}


def _build_steps(arguments: list[str]) -> Curve:
    return steps(int(arguments[0]), *arguments[1:])


def _build_bezier(arguments: list[str]) -> Curve:
    return cubic_bezier(*map(float, arguments))


def _build_stops(arguments: list[str]) -> Curve:
    """CSS's rules: the ends lie at 0 and 100 %, a place never falls behind one before it, and stops without
    a place are spread evenly between their neighbours.
    """
    values: list[float] = []
    places: list[float | None] = []
    for argument in arguments:
        value, given = _read_stop(argument)
        values += [value] * max(1, len(given))
        places += [place / 100 for place in given] or [None]
    places[0] = 0.0 if places[0] is None else places[0]
    places[-1] = 1.0 if places[-1] is None else places[-1]
    placed = [index for index, place in enumerate(places) if place is not None]
    for earlier, later in pairwise(placed):
        places[later] = max(places[later], places[earlier])
        for index in range(earlier + 1, later):
            part = (index - earlier) / (later - earlier)
            places[index] = places[earlier] + (places[later] - places[earlier]) * part
    return linear_stops(list(zip(places, values, strict=True)))


_BUILDERS: dict[str, Callable[[list[str]], Curve]] = {
    "steps": _build_steps,
    "cubic-bezier": _build_bezier,
    "linear": _build_stops,
}


@lru_cache(maxsize=512)
def _curve(name: str) -> Curve:
    if name in NAMED:
        return NAMED[name]
    call = _CALL.fullmatch(name)
    if call is None:
        raise ValueError(f"unknown easing {name!r}; make easings with parse_easing")
    return _BUILDERS[call[1]]([argument.strip() for argument in call[2].split(",")])


@lru_cache(maxsize=512)
def _extent(name: str) -> tuple[float, float]:
    values = [_curve(name)(index / 512) for index in range(513)]
    return min(values), max(values)
