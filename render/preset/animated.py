"""Animated numbers: a constant, keyframes `[[0s, 4], [50%, 64, ease-in-out]]`, or an `=expression`.

Keys may also stand in a mapping, `{keys: […], ease: in-out-sine, repeat: mirror}`, and a key's value may be
an expression, which is evaluated at the key's own time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from pydantic import ValidationError

from render.timeline import (
    EASING_NAMES,
    LINEAR,
    REPEATS,
    Clock,
    Easing,
    Expression,
    ExpressionTrack,
    Key,
    KeyFormula,
    Time,
    Track,
    TrackDraft,
    did_you_mean,
    nearest,
    parse_easing,
    parse_expression,
    parse_time,
)

from .keys import order_mistakes, rejoined
from .layers import bare_resolution
from .mistakes import Mistake, Place, carried, gather, mistakes_of, shown
from .quantities import CUTOFF, KIMG, NUMBER, PLACE, SWAP, TRUNCATION, WEIGHT, WIDTH, ZOOM, Quantity
from .values import Reader, Shape, leaf

_MAPPING_KEYS = ("keys", "ease", "repeat")
Draft = Track | ExpressionTrack | TrackDraft


@dataclass(frozen=True)
class Keyframe:
    """A value at a time as written, and the easing of the segment that leaves it.

    Attributes:
        value: as written: a number, a layer's name, a (resolution, level) pair, or an expression.
        number: what the track carries: the number itself, or for a swap the layer's position. None where
            an expression gives it at the key's time.
    """

    time: Time
    value: float | str | tuple[int, int] | Expression
    number: float | None
    easing: Easing = LINEAR


@dataclass(frozen=True)
class Animated:
    """A number of a preset that may move: keyframes (one at 0 is a constant), or an expression.

    Attributes:
        ease: the easing of keys that have none of their own.
        spline: whether one smooth curve goes through all keys, which then have no easings.
        repeat: `once`, `loop` or `mirror`: what happens before the first and after the last key.
    """

    quantity: Quantity
    keys: tuple[Keyframe, ...] = ()
    expression: Expression | None = None
    ease: Easing = LINEAR
    spline: bool = False
    repeat: str = "once"

    @property
    def is_constant(self) -> bool:
        """Whether it is written as one value."""
        return (
            len(self.keys) == 1
            and not self.is_mapping
            and not self.keys[0].time.terms
            and self.keys[0].easing == LINEAR
            and not isinstance(self.keys[0].value, Expression)  # alone it would move: =u is not [[0s, =u]]
        )

    @property
    def is_mapping(self) -> bool:
        """Whether it is written as a mapping with `keys`."""
        return self.spline or self.repeat != "once" or self.ease != LINEAR

    def formulas(self) -> list[tuple[Place, Expression]]:
        """Its expressions, each with its place within the number."""
        if self.expression is not None:
            return [((), self.expression)]
        return [
            ((*self.at_keys, index, 1), key.value)
            for index, key in enumerate(self.keys)
            if isinstance(key.value, Expression)
        ]

    @property
    def references(self) -> frozenset[str]:
        """Names of variables and of other tracks that its expressions read."""
        return frozenset().union(*(expression.references for _, expression in self.formulas()))

    def draft(self, clock: Clock, position_at: Callable[[float], float] | None = None) -> Draft:
        """The number over time, in the quantity's numbers (positions for a swap, kimg for a snapshot).

        What its formulas read is not known here: a `Timeline` puts drafts together.

        Args:
            position_at: for swaps, where a bare resolution lies in the network at hand; default: where it
                lies in StyleGAN1 and 2. Layers by name are left as they are.

        Raises:
            ValueError: a time has no meaning on this clock; `mistakes` says where.
        """
        convert = position_at or self.quantity.from_formula
        if self.expression is not None:
            return ExpressionTrack(self.expression, clock, convert)
        keys = tuple(_key(key, clock, position_at) for key in self.keys)
        period = clock.duration if clock.loop and self.spline else None
        options = (self.quantity.lowest, self.spline, self.repeat, period)
        if any(isinstance(key, KeyFormula) for key in keys):
            return TrackDraft(keys, *options, convert)
        return Track(keys, *options)

    def mistakes(self, clock: Clock) -> list[Mistake]:
        """What only the clip can tell about times: those without meaning, keys out of order, no span."""
        found = order_mistakes([key.time for key in self.keys], clock)
        if not found and self.repeat != "once":
            first, last = (clock.resolve(self.keys[end].time) for end in (0, -1))
            if first == last:
                text = f"repeat needs keys at two times; these span 0 s at {self.keys[0].time}"
                return [Mistake(("repeat",), text)]
        return [mistake.within(*self.at_keys) for mistake in found]

    @property
    def at_keys(self) -> Place:
        """Where its keys stand within the number."""
        return ("keys",) if self.is_mapping else ()

    def as_data(self) -> Any:
        """The value as a preset file writes it."""
        if self.expression is not None:
            return str(self.expression)
        if self.is_constant:
            return value_data(self.keys[0].value)
        return self.keys_data([value_data(key.value) for key in self.keys])

    def keys_data(self, values: list[Any]) -> Any:
        """Its keys as a preset file writes them, with `values` in place of their own."""
        keys = [
            [str(key.time), value, *([key.easing.name] if key.easing != self.ease else [])]
            for key, value in zip(self.keys, values, strict=True)
        ]
        if not self.is_mapping:
            return keys
        ease = "spline" if self.spline else self.ease.name
        options = {"ease": ease, "repeat": self.repeat}
        defaults = {"ease": "linear", "repeat": "once"}
        return {"keys": keys, **{name: word for name, word in options.items() if word != defaults[name]}}


def _key(key: Keyframe, clock: Clock, position_at: Callable[[float], float] | None) -> Key | KeyFormula:
    seconds = clock.resolve(key.time)
    if isinstance(key.value, Expression):
        return KeyFormula(seconds, key.value, key.easing)
    resolution = bare_resolution(key.value) if position_at else None
    return Key(seconds, key.number if resolution is None else position_at(resolution), key.easing)


def constant(value: float | str, quantity: Quantity) -> Animated:
    """An animated number that stands still."""
    return Animated(quantity, (Keyframe(Time(), value, quantity.number(value)),))


def is_formula(value: Any) -> bool:
    """Whether `value` is text that begins with `=`, or `audio(low)` by itself."""
    return isinstance(value, str) and value.lstrip().startswith(("=", "audio("))


def read_animated(value: Any, quantity: Quantity) -> Animated:
    """The animated number written as `value`.

    Raises:
        ValueError: one mistake at the value itself, or a ValidationError that carries many with their places.
    """
    if isinstance(value, Animated):
        return value if value.quantity == quantity else read_animated(value.as_data(), quantity)
    if is_formula(value):
        return Animated(quantity, expression=parse_expression(value))
    if isinstance(value, Mapping):
        return _read_mapping(value, quantity)
    if not isinstance(value, list | tuple):
        return constant(value, quantity)
    return Animated(quantity, _read_keys(value, quantity, LINEAR))


def _read_mapping(value: Mapping, quantity: Quantity) -> Animated:
    """The mapping form of keys."""
    mistakes = [
        Mistake((key,), f"unknown key{did_you_mean(str(key), _MAPPING_KEYS)}", at_key=True)
        for key in value
        if key not in _MAPPING_KEYS
    ]
    if "keys" not in value:
        text = f"a moving number as a mapping has keys: {{keys: {quantity.example}, repeat: loop}}"
        mistakes.append(Mistake((), text))
    spline, ease, repeat = False, LINEAR, value.get("repeat", "once")
    try:
        spline, ease = read_ease(value.get("ease", "linear"))
    except ValueError as error:
        mistakes.append(Mistake(("ease",), str(error)))
    if repeat not in REPEATS:
        near = did_you_mean(repeat, REPEATS, limit=0) if isinstance(repeat, str) else ""
        text = f"this is one of {', '.join(REPEATS)}, not {shown(repeat)}{near}"
        mistakes.append(Mistake(("repeat",), text))
    try:
        keys = gather(
            [(("keys",), value["keys"])] if "keys" in value else [],
            partial(_read_keys, quantity=quantity, ease=None if spline else ease),
        )
    except ValidationError as error:
        raise carried([*mistakes, *mistakes_of(error)]) from None
    if mistakes:
        raise carried(mistakes)
    return Animated(quantity, keys[0], None, ease, spline, repeat)


def read_ease(value: Any) -> tuple[bool, Easing]:
    """Whether `value` is `spline`, and the easing of keys without one. Raises ValueError."""
    if value == "spline":
        return True, LINEAR
    if isinstance(value, str) and nearest(value, ["spline", *EASING_NAMES]) == "spline":
        raise ValueError(f"unknown easing {value!r}; did you mean 'spline', a smooth curve through all keys?")
    try:
        return False, _read_easing(value)
    except ValueError as error:
        raise ValueError(f"{error}; spline is one smooth curve through all keys") from None


def _read_keys(value: Any, quantity: Quantity, ease: Easing | None) -> tuple[Keyframe, ...]:
    """ease: of keys that have none of their own; None: along a spline no key may have one."""
    rows = isinstance(value, list | tuple) and any(isinstance(item, list | tuple) for item in value)
    if not rows:
        raise ValueError(f"keyframes are a list of lists such as {quantity.example}")
    items = (((index,), item) for index, item in enumerate(value))
    return tuple(gather(items, partial(_read_key, quantity=quantity, ease=ease)))


def _read_key(item: Any, quantity: Quantity, ease: Easing | None) -> Keyframe:
    if not isinstance(item, list | tuple) or len(item) < 2:
        raise ValueError(f"a key is [time, value] or [time, value, easing], not {shown(item)}{_length(item)}")
    time, value, *rest = item
    easing = rejoined(rest)
    readers = [((0,), time, parse_time), ((1,), value, partial(_read_value, quantity=quantity))]
    readers += [((2,), name, _refuse_easing if ease is None else _read_easing) for name in easing[:1]]
    readers += [((3,), len(item), _refuse_more) for _ in easing[1:2]]
    parsed = gather(
        ((place, (read, written)) for place, written, read in readers), lambda pair: pair[0](pair[1])
    )
    own_easing = parsed[2] if easing else ease or LINEAR
    return Keyframe(parsed[0], *parsed[1], own_easing)


def _read_value(value: Any, quantity: Quantity) -> tuple[Any, float | None]:
    """A key's value as written, and its number, if it has one before the clip is known."""
    if isinstance(value, Expression):
        return value, None
    if is_formula(value):
        return parse_expression(value), None
    return tuple(value) if isinstance(value, list) else value, quantity.number(value)


def _read_easing(name: Any) -> Easing:
    if isinstance(name, Easing):
        return name
    if not isinstance(name, str):
        raise ValueError(f"an easing is a name such as ease-in-out, not {shown(name)}")
    return parse_easing(name)


def _refuse_easing(name: Any) -> Easing:
    raise ValueError(f"along a spline keys have no easings of their own; leave {shown(name)} out")


def _refuse_more(count: int) -> None:
    raise ValueError(f"a key is [time, value, easing]; this one has {count} parts")


def _length(item: Any) -> str:
    return f" of {len(item)}" if isinstance(item, list | tuple) else ""


def value_data(value: Any) -> Any:
    """A key's value as a preset file writes it."""
    if isinstance(value, Expression):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def annotations(quantity: Quantity) -> tuple[Reader, Shape]:
    """How a field with an animated number is read, and its JSON Schema."""
    definition = {"$ref": f"#/definitions/animated_{quantity.name}"}
    return leaf(partial(read_animated, quantity=quantity), definition)


AnimatedTruncation = Annotated[Animated, *annotations(TRUNCATION)]
AnimatedWeight = Annotated[Animated, *annotations(WEIGHT)]
AnimatedWidth = Annotated[Animated, *annotations(WIDTH)]
AnimatedKimg = Annotated[Animated, *annotations(KIMG)]
AnimatedPlace = Annotated[Animated, *annotations(PLACE)]
AnimatedSwap = Annotated[Animated, *annotations(SWAP)]
AnimatedCutoff = Annotated[Animated, *annotations(CUTOFF)]
AnimatedNumber = Annotated[Animated, *annotations(NUMBER)]
AnimatedZoom = Annotated[Animated, *annotations(ZOOM)]
