"""Animated numbers: a constant, keyframes `[[0s, 4], [50%, 64, ease-in-out]]`, or an `=expression`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Annotated, Any

from pydantic import PlainValidator

from render.timeline import (
    LINEAR,
    Clock,
    Easing,
    Expression,
    ExpressionTrack,
    Key,
    Time,
    Track,
    parse_easing,
    parse_expression,
    parse_time,
)

from .layers import bare_resolution, position_of, position_of_resolution
from .mistakes import Mistake, gather, shown
from .values import Shape, leaf, read_number

_MOST_TRIALS = 50_000  # frames of one rate at which a formula is tried before anything is rendered
FARTHEST = 100  # beyond such weights float32 has nothing left to draw


@dataclass(frozen=True)
class Quantity:
    """What an animated number measures.

    Attributes:
        name: the word for it, and the name of its JSON Schema definition.
        number: turns a value as written into the track's number; raises ValueError.
        from_formula: turns a formula's result into the track's number; raises ValueError.
        lowest: where the track's number ends, even if an easing overshoots.
    """

    name: str
    number: Callable[[Any], float] = field(compare=False)
    from_formula: Callable[[float], float] = field(compare=False)
    lowest: float = -math.inf


def _at_least(minimum: float, what: str) -> Callable[[Any], float]:
    return partial(read_number, minimum=minimum, what=what)


def _within_reach(what: str) -> Callable[[Any], float]:
    return partial(read_number, minimum=-FARTHEST, maximum=FARTHEST, what=what)


TRUNCATION = Quantity("truncation", _within_reach("this"), _within_reach("truncation"))
WEIGHT = Quantity("weight", _within_reach("a weight"), _within_reach("a weight"))
WIDTH = Quantity("width", *2 * (_at_least(0, "a width"),), lowest=0)
KIMG = Quantity("kimg", *2 * (_at_least(0, "a snapshot's kimg"),), lowest=0)
SWAP = Quantity("swap", position_of, position_of_resolution)
PLACE = Quantity("walk_position", _at_least(-math.inf, "a position along the seeds"), float)


@dataclass(frozen=True)
class Keyframe:
    """A value at a time as written, and the easing of the segment that leaves it.

    Attributes:
        value: as written: a number, a layer's name, or a (resolution, level) pair.
        number: what the track carries: the number itself, or for a swap the layer's position.
    """

    time: Time
    value: float | str | tuple[int, int]
    number: float
    easing: Easing = LINEAR


@dataclass(frozen=True)
class Animated:
    """A number of a preset that may move: keyframes (one at 0 is a constant), or an expression."""

    quantity: Quantity
    keys: tuple[Keyframe, ...] = ()
    expression: Expression | None = None

    @property
    def is_constant(self) -> bool:
        """Whether it is written as one value."""
        return len(self.keys) == 1 and not self.keys[0].time.terms and self.keys[0].easing == LINEAR

    def track(
        self, clock: Clock, position_at: Callable[[float], float] | None = None
    ) -> Track | ExpressionTrack:
        """The number over time, in the quantity's numbers (positions for a swap, kimg for a snapshot).

        Args:
            position_at: for swaps, where a bare resolution lies in the network at hand; default: where it
                lies in StyleGAN1 and 2. Layers by name are left as they are.

        Raises:
            ValueError: a time has no meaning on this clock; `mistakes` says where.
        """
        if self.expression is not None:
            return ExpressionTrack(self.expression, clock, position_at or self.quantity.from_formula)
        keys = tuple(Key(clock.resolve(key.time), _number(key, position_at), key.easing) for key in self.keys)
        return Track(keys, self.quantity.lowest)

    def mistakes(self, clock: Clock, rates: Iterable[Fraction] = ()) -> list[Mistake]:
        """What only the clip can tell: times without meaning, keys out of order, formulas without a value.

        rates: at which the clip is rendered besides its own; a formula is tried at every frame of each.
        """
        if self.expression is not None:
            return self._formula_mistakes([clock.with_fps(fps) for fps in {clock.fps, *rates}])
        mistakes, moments = [], []
        for index, key in enumerate(self.keys):
            try:
                moments.append((clock.resolve(key.time), index, key))
            except ValueError as error:
                mistakes.append(Mistake((index, 0), f"{key.time}: {error}"))
        for (earlier, _, before), (later, index, key) in pairwise(moments):
            if later < earlier:
                text = f"{_with_seconds(key.time, later)} comes before {_with_seconds(before.time, earlier)}"
                mistakes.append(Mistake((index, 0), f"{text} above it; keys stand in order of time"))
        return mistakes

    def _formula_mistakes(self, clocks: list[Clock]) -> list[Mistake]:
        track = self.track(clocks[0])
        moments = {Fraction(0)} if track.is_constant else set().union(*map(_trials, clocks))
        for seconds in sorted(moments):
            try:
                track.value_at(seconds)
            except ValueError as error:
                return [Mistake((), str(error))]
        return []

    def as_data(self) -> Any:
        """The value as a preset file writes it."""
        if self.expression is not None:
            return str(self.expression)
        if self.is_constant:
            return _value_data(self.keys[0].value)
        return [
            [str(key.time), _value_data(key.value), *([key.easing.name] if key.easing != LINEAR else [])]
            for key in self.keys
        ]


def _trials(clock: Clock) -> set[Fraction]:
    """The moments of all frames; of a very long clip, of frames evenly spread over it."""
    last = clock.frame_count - 1
    count = min(last, _MOST_TRIALS)
    return {clock.seconds(last * part // max(1, count)) for part in range(count + 1)}


def _number(key: Keyframe, position_at: Callable[[float], float] | None) -> float:
    resolution = bare_resolution(key.value) if position_at else None
    return key.number if resolution is None else position_at(resolution)


def constant(value: float | str, quantity: Quantity) -> Animated:
    """An animated number that stands still."""
    return Animated(quantity, (Keyframe(Time(), value, quantity.number(value)),))


def read_animated(value: Any, quantity: Quantity) -> Animated:
    """The animated number written as `value`.

    Raises:
        ValueError: one mistake at the value itself, or a ValidationError that carries many with their places.
    """
    if isinstance(value, Animated):
        return value if value.quantity == quantity else read_animated(value.as_data(), quantity)
    if isinstance(value, str) and value.lstrip().startswith("="):
        return Animated(quantity, expression=parse_expression(value))
    if not isinstance(value, list | tuple):
        return constant(value, quantity)
    if not value or not any(isinstance(item, list | tuple) for item in value):
        example = (
            "[[0s, 4], [end, 64]]; for one layer write 32/1" if quantity == SWAP else "[[0s, 0], [end, 1]]"
        )
        raise ValueError(f"keyframes are a list of lists such as {example}")
    keys = gather(
        (((index,), item) for index, item in enumerate(value)), partial(_read_key, quantity=quantity)
    )
    return Animated(quantity, tuple(keys))


def _annotations(quantity: Quantity) -> tuple[PlainValidator, Shape]:
    definition = {"$ref": f"#/definitions/animated_{quantity.name}"}
    return leaf(partial(read_animated, quantity=quantity), definition)


AnimatedTruncation = Annotated[Animated, *_annotations(TRUNCATION)]
AnimatedWeight = Annotated[Animated, *_annotations(WEIGHT)]
AnimatedWidth = Annotated[Animated, *_annotations(WIDTH)]
AnimatedKimg = Annotated[Animated, *_annotations(KIMG)]
AnimatedPlace = Annotated[Animated, *_annotations(PLACE)]
AnimatedSwap = Annotated[Animated, *_annotations(SWAP)]


def _read_key(item: Any, quantity: Quantity) -> Keyframe:
    if not isinstance(item, list | tuple) or len(item) < 2:
        raise ValueError(f"a key is [time, value] or [time, value, easing], not {shown(item)}{_length(item)}")
    time, value, *rest = item
    easing = _rejoined(rest)
    readers = [((0,), time, parse_time), ((1,), value, partial(_read_value, quantity=quantity))]
    readers += [((2,), name, _read_easing) for name in easing[:1]]
    readers += [((3,), len(item), _refuse_more) for _ in easing[1:2]]
    parsed = gather(
        ((place, (read, written)) for place, written, read in readers), lambda pair: pair[0](pair[1])
    )
    as_written = tuple(value) if isinstance(value, list) else value
    return Keyframe(parsed[0], as_written, parsed[1], *parsed[2:])


def _read_value(value: Any, quantity: Quantity) -> float:
    if isinstance(value, str) and value.lstrip().startswith("="):
        raise ValueError("an expression stands alone, in place of the whole list of keys")
    return quantity.number(value)


def _read_easing(name: Any) -> Easing:
    if not isinstance(name, str):
        raise ValueError(f"an easing is a name such as ease-in-out, not {shown(name)}")
    return parse_easing(name)


def _refuse_more(count: int) -> None:
    raise ValueError(f"a key is [time, value, easing]; this one has {count} parts")


def _rejoined(parts: list[Any]) -> list[Any]:
    """YAML cuts `[0s, 4, steps(4, end)]` at every comma: put the pieces of one call together again."""
    if len(parts) > 1 and isinstance(parts[0], str) and "(" in parts[0] and ")" not in parts[0]:
        return [", ".join(str(part) for part in parts)]
    return parts


def _length(item: Any) -> str:
    return f" of {len(item)}" if isinstance(item, list | tuple) else ""


def _with_seconds(time: Time, seconds: Any) -> str:
    exact = f"{float(seconds):.4g}s"
    return exact if str(time) == exact else f"{time} ({exact})"


def _value_data(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
