"""Names that may change over time: models with `[[0s, portrait], [4s, toon, fade 1s]]`, and classes.

A name holds and cuts. With `fade 1s` the change begins at the key's time and takes that long. A class may
also be a mix of classes, `{3: 0.5, 5: 0.5}`; a mix moves to the next key's over the segment that leaves it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from render.timeline import LINEAR, Clock, Easing, NameKey, NameTrack, Time, parse_easing, parse_time

from .keys import order_mistakes, rejoined
from .mistakes import Mistake, gather, shown
from .values import leaf, read_number, read_text

_FADE = re.compile(r"fade\s+(?P<length>\S+)(?:\s+(?P<easing>.+))?")
_EXAMPLE = "[[0s, portrait], [4s, toon, fade 1s]]"
_LARGEST_CLASS = 10**6
Mix = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class NameKeyframe:
    """A name, or a mix of classes, from a time on.

    Attributes:
        mix: the names and their weights, which sum to 1; a plain name has the weight 1.
        fade: how long the change to it takes; None: it cuts.
        easing: shapes the fade, or where `blends` the segment that leaves the key.
        blends: whether it was written as a mix, which moves to the next key's.
    """

    time: Time
    mix: Mix
    fade: Time | None = None
    easing: Easing = LINEAR
    blends: bool = False


@dataclass(frozen=True)
class NameKeys:
    """A name that may change; of models, or of classes."""

    keys: tuple[NameKeyframe, ...]
    of_classes: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All names in order of appearance."""
        return tuple(dict.fromkeys(name for key in self.keys for name, _ in key.mix))

    @property
    def is_constant(self) -> bool:
        """Whether it is written as one value."""
        return len(self.keys) == 1 and not self.keys[0].time.terms and self.keys[0].fade is None

    def track(self, clock: Clock) -> NameTrack:
        """The name over time. Raises ValueError where a time has no meaning; `mistakes` says where."""
        keys = tuple(
            NameKey(
                clock.resolve(key.time),
                dict(key.mix),
                clock.length(key.fade) if key.fade else 0,
                key.easing,
                key.blends,
            )
            for key in self.keys
        )
        return NameTrack(keys, period=clock.duration if clock.loop else None)

    def mistakes(self, clock: Clock) -> list[Mistake]:
        """What only the clip can tell: times without meaning, keys out of order, fades without a length."""
        mistakes = order_mistakes([key.time for key in self.keys], clock)
        for index, key in enumerate(self.keys):
            try:
                negative = key.fade is not None and clock.length(key.fade) < 0
                why = "a fade lasts 0 s or more" if negative else ""
            except ValueError as error:
                why = str(error)
            if why:
                mistakes.append(Mistake((index, 2), f"fade {key.fade}: {why}"))
        return mistakes

    def as_data(self) -> Any:
        """As a preset file writes it."""
        if self.is_constant:
            return self._value_data(self.keys[0])
        return [[str(key.time), self._value_data(key), *_change_data(key)] for key in self.keys]

    def _value_data(self, key: NameKeyframe) -> Any:
        names = {(int(name) if self.of_classes else name): weight for name, weight in key.mix}
        return names if key.blends or len(names) > 1 else next(iter(names))  # a mix that fades does not blend


def _change_data(key: NameKeyframe) -> list[str]:
    easing = [key.easing.name] if key.easing != LINEAR else []
    return easing if key.fade is None else [" ".join(["fade", str(key.fade).replace(" ", ""), *easing])]


def read_model_name(value: Any) -> str | NameKeys:
    """A model's name, or keys of names. Raises ValueError, or a ValidationError with many mistakes."""
    if isinstance(value, NameKeys):
        return value
    if isinstance(value, list | tuple):
        keys = _read_keys(value, read_text, of_classes=False)
        return keys.names[0] if keys.is_constant else keys
    return read_text(value)


def read_classes(value: Any) -> NameKeys:
    """A class, a mix of classes, or keys of them. Raises as `read_model_name`."""
    if isinstance(value, NameKeys):
        return value
    if isinstance(value, list | tuple):
        return _read_keys(value, _read_class, of_classes=True)
    mix, blends = _read_mix(value, _read_class)
    return NameKeys((NameKeyframe(Time(), mix, blends=blends),), of_classes=True)


def constant_name(name: str) -> NameKeys:
    """A name that never changes, as keys."""
    return NameKeys((NameKeyframe(Time(), ((name, 1.0),)),))


def names_in(value: str | NameKeys | None) -> tuple[str, ...]:
    """All names of a field that is a name or keys of names."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value.names


def _read_keys(value: Any, read: Callable[[Any], str], of_classes: bool) -> NameKeys:
    if not value or not any(isinstance(item, list | tuple) for item in value):
        example = "[[0s, 3], [4s, 5, fade 1s]]" if of_classes else _EXAMPLE
        raise ValueError(f"keyframes are a list of lists such as {example}")
    items = (((index,), item) for index, item in enumerate(value))
    return NameKeys(tuple(gather(items, partial(_read_key, read=read))), of_classes)


def _read_key(item: Any, read: Callable[[Any], str]) -> NameKeyframe:
    if not isinstance(item, list | tuple) or len(item) < 2:
        raise ValueError(f"a key is [time, name] or [time, name, fade 1s], not {shown(item)}")
    time, value, *rest = item
    change = rejoined(rest)
    blends = isinstance(value, Mapping)
    readers: list[tuple[tuple[int, ...], Any, Callable]] = [
        ((0,), time, parse_time),
        ((1,), value, partial(_read_mix, read=read)),
    ]
    readers += [((2,), words, partial(_read_change, blends=blends)) for words in change[:1]]
    readers += [((3,), len(item), _refuse_more) for _ in change[1:2]]
    parts = (((*place,), (reader, words)) for place, words, reader in readers)
    parsed = gather(parts, lambda part: part[0](part[1]))
    (mix, blends), (fade, easing) = parsed[1], parsed[2] if change else (None, LINEAR)
    return NameKeyframe(parsed[0], mix, fade, easing, blends and fade is None)


def _read_mix(value: Any, read: Callable[[Any], str]) -> tuple[Mix, bool]:
    if not isinstance(value, Mapping):
        return ((read(value), 1.0),), False
    if read is not _read_class:
        raise ValueError("this is one model's name; a change from one to the other is written fade 1s")
    names = gather((((name,), name) for name in value), read)
    weights = gather(value_places(value), partial(read_number, minimum=0, maximum=1, what="a share"))
    if not math.isclose(sum(weights), 1, abs_tol=1e-6):
        raise ValueError(f"the shares of a mix sum to 1; these sum to {sum(weights):.6g}")
    return tuple(zip(names, weights, strict=True)), True


def value_places(value: Mapping) -> Iterable[tuple[tuple, Any]]:
    """The items of a mapping with their places."""
    return (((key,), item) for key, item in value.items())


def _read_class(value: Any) -> str:
    number = int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,7}", value.strip()) else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _LARGEST_CLASS:
        example = "a mix such as {3: 0.5, 5: 0.5}"
        raise ValueError(f"a class is a whole number from 0 up, or {example}, not {shown(value)}")
    return str(number)


def _read_change(words: Any, blends: bool) -> tuple[Time | None, Easing]:
    text = words.strip() if isinstance(words, str) else ""
    match = _FADE.fullmatch(text)
    if match is not None:
        return parse_time(match["length"]), parse_easing(match["easing"] or "linear")
    if blends and text and not text.startswith("fade"):
        return None, parse_easing(text)
    raise ValueError(f"a name cuts, or changes with fade 1s or fade 1s ease-in-out, not {shown(words)}")


def _refuse_more(count: int) -> None:
    raise ValueError(f"a key is [time, name, fade 1s]; this one has {count} parts")


ModelName = Annotated[str | NameKeys, *leaf(read_model_name, {"$ref": "#/definitions/model_name"})]
Classes = Annotated[NameKeys, *leaf(read_classes, {"$ref": "#/definitions/classes"})]
