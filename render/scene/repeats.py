"""Frames that look like earlier ones: holds, mirrors, rounds of a loop. Found before any is worked out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from fractions import Fraction

from render.errors import RenderError

from .journey import Journey

_DIGITS = 12  # two ways to the same number differ in the last of a float's 16

Values = Mapping[str, float]
Names = Mapping[str, Mapping[str, float]]


def steady(number: float) -> float:
    """A number without the digits in which two ways to it may differ."""
    return float(f"{number:.{_DIGITS}g}")


def likeness(journey: Journey, seconds: Fraction, values: Values, names: Names) -> Hashable:
    """Equal for times that show the same pictures; a picture depends on nothing else."""
    return (
        tuple(map(steady, values.values())),
        tuple(tuple((name, steady(share)) for name, share in shares.items()) for shares in names.values()),
        journey.places(seconds, values),
    )


def twins(count: int, likeness_at: Callable[[int], Hashable]) -> dict[int, int]:
    """For every frame below `count` that is not the only one of its kind, the first one of that kind."""
    kinds: dict[Hashable, list[int]] = {}
    for index in range(count):
        try:
            kinds.setdefault(likeness_at(index), []).append(index)
        except RenderError:
            continue  # told when that frame's turn comes
    return {index: frames[0] for frames in kinds.values() if len(frames) > 1 for index in frames}
