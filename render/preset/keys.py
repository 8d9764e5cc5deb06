"""What all lists of keys have in common: order in time, and calls that YAML cut at their commas."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from render.timeline import Clock, Time

from .mistakes import Mistake


def order_mistakes(times: Sequence[Time], clock: Clock) -> list[Mistake]:
    """Times without a meaning on this clock, and keys that stand before the one above them."""
    mistakes, moments = [], []
    for index, time in enumerate(times):
        try:
            moments.append((clock.resolve(time), index, time))
        except ValueError as error:
            mistakes.append(Mistake((index, 0), f"{time}: {error}"))
    for (earlier, _, before), (later, index, time) in pairwise(moments):
        if later < earlier:
            text = f"{_with_seconds(time, later)} comes before {_with_seconds(before, earlier)}"
            mistakes.append(Mistake((index, 0), f"{text} above it; keys stand in order of time"))
    return mistakes


def rejoined(parts: list[Any]) -> list[Any]:
    """YAML cuts `[0s, 4, steps(4, end)]` at every comma: put the pieces of one call together again."""
    if len(parts) > 1 and isinstance(parts[0], str) and "(" in parts[0] and ")" not in parts[0]:
        return [", ".join(str(part) for part in parts)]
    return parts


def _with_seconds(time: Time, seconds: Any) -> str:
    exact = f"{float(seconds):.4g}s"
    return exact if str(time) == exact else f"{time} ({exact})"
