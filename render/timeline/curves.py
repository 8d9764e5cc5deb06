"""Curves from 0 to 1 that shape a move (CSS Easing Functions Level 2, and Penner's families).

Every curve maps [0, 1] to numbers, gives exactly 1 at 1 and exactly 0 at 0. The exceptions are CSS's own:
`steps(n, start)` and `steps(n, jump-both)` take their first step at 0, and `linear(…)` begins and ends where
its stops say. Back and elastic leave [0, 1] on the way. An in-out curve is the in curve at half size, then
the out curve.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence

Curve = Callable[[float], float]

_BACK = 1.70158  # Penner's constant: an overshoot of 10 %
_ELASTIC_PERIOD = 0.3
_LAST_BIT = 2.0**-52
_TINY = 1e-9  # of a step: at its very edge, the place in the move has been rounded down as often as up


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
            step = error / steep if steep > 1e-9 else 1.0
            if abs(step) <= _LAST_BIT or high - low <= _LAST_BIT:
                break
            s = s - step if low < s - step < high else (low + high) / 2
        return polynomial(y1, y2, s)

    return curve


# position of the steps: (steps already taken at 0, intervals between the first and last value minus n)
STEP_POSITIONS = {
    "end": (0, 0),
    "start": (1, 0),
    "jump-end": (0, 0),
    "jump-start": (1, 0),
    "jump-none": (0, -1),
    "jump-both": (1, 1),
}


def steps(count: int, position: str = "end") -> Curve:
    """CSS steps: `count` equal stairs; `position` says where they jump."""
    taken, more = STEP_POSITIONS[position]
    jumps = count + more

    def curve(x: float) -> float:
        if x >= 1:
            return 1.0
        return min(math.floor(x * count + _TINY) + taken, jumps) / jumps

    return curve


def linear_stops(stops: Sequence[tuple[float, float]]) -> Curve:
    """CSS linear(): straight lines through (place, value) stops; places in [0, 1], never falling.

    Of several stops at one place the last one counts there. Before the first and after the last the value
    holds.
    """
    places = [place for place, _ in stops]

    def curve(x: float) -> float:
        index = bisect.bisect_right(places, x)
        if index in (0, len(stops)):
            return stops[max(0, index - 1)][1]
        (start, first), (end, last) = stops[index - 1 : index + 1]
        return first + (last - first) * (x - start) / (end - start)

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

NAMED: dict[str, Curve] = {
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
SHORT = {f"{turn}-{family}": f"ease-{turn}-{family}" for family in _FAMILIES for turn in _TURNS}
