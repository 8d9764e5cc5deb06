"""The axes of a grid: a place in a preset and the values it takes, as `blend.swap=4,8,16` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from render.errors import PresetError
from render.preset.mistakes import shown
from render.variants import SEED

TIME = "time"  # the one axis that is no place in a preset: a moment of the clip
MOST_VALUES = 1000
_EXAMPLE = "write PLACE=VALUES, such as blend.swap=4,8,16 or blend.snapshot=0:20:4"
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_RANGE = re.compile(rf"({_NUMBER})([a-z%]*):({_NUMBER})([a-z%]*)(?::(x?)({_NUMBER})([a-z%]*))?")
_SEEDS = re.compile(r"\d{1,10}-\d{1,10}")
_BRACKETS = {"[": "]", "{": "}"}


@dataclass(frozen=True)
class Axis:
    """What changes along one side of a grid.

    place   a place in the preset (`blend.swap`), or `time`
    labels  the values as they were written
    values  the same as a preset has them
    """

    place: str
    labels: tuple[str, ...]
    values: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(cls, place: str, values: Iterable[Any]) -> Axis:
        """An axis from Python: `Axis.of("blend.swap", [4, 8, "32/1"])`."""
        values = tuple(values)
        return _checked(cls(place, tuple(str(value) for value in values), values))


def read_axis(text: str) -> Axis:
    """The axis written as `PLACE=VALUES`.

    VALUES are separated by commas. One may be a range with its last value, `0:20:4` (steps of 4) or
    `4:256:x2` (each twice the one before); seeds also `0-5`. Raises PresetError.
    """
    place, equals, rest = text.partition("=")
    place = place.strip()
    if not equals or not place:
        raise PresetError(f"{shown(text)} is no axis; {_EXAMPLE}")
    place = SEED if place == "latents.seeds" and not re.search(r"[\[{]", rest) else place
    labels, values = [], []
    for item in _items(text, rest):
        found = _seeds(text, item) if place == SEED and _SEEDS.fullmatch(item) else _range(text, place, item)
        labels += [item] if found is None else found
        values += [_value(text, place, label) for label in labels[len(values) :]]
    return _checked(Axis(place, tuple(labels), tuple(values)))


def _checked(axis: Axis) -> Axis:
    if not 0 < len(axis) <= MOST_VALUES:
        raise PresetError(f"{axis.place}: an axis has 1 to {MOST_VALUES} values, not {len(axis)}")
    return axis


def _items(text: str, rest: str) -> list[str]:
    """What stands between the commas that are in no brackets and no quotes."""
    items, closing, quote = [""], [], ""
    for character in rest:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in _BRACKETS:
            closing.append(_BRACKETS[character])
        elif closing and character == closing[-1]:
            closing.pop()
        elif character == "," and not closing:
            items.append("")
            continue
        items[-1] += character
    items = [item.strip() for item in items]
    if "" in items:
        raise PresetError(f"{text}: a value is missing; {_EXAMPLE}")
    return items


def _range(text: str, place: str, item: str) -> list[str] | None:
    """The values of a range as text; None where the item is none."""
    match = _RANGE.fullmatch(item)
    if match is None:
        if re.fullmatch(rf"{_NUMBER}\s*:.*", item):
            raise PresetError(
                f"{text}: {item} is no range; write FIRST:LAST:STEP, such as 0:20:4 or 4:256:x2"
            )
        return None
    first, unit, last, last_unit, times, step, step_unit = match.groups()
    if len({unit, last_unit, step_unit if step and not times else unit}) > 1 or (unit and place != TIME):
        wanted = "has one unit in all its parts, as 0s:8s:2s has" if place == TIME else "is of plain numbers"
        raise PresetError(f"{text}: a range {wanted}, and {item} is not one")
    begin, end, by = Decimal(first), Decimal(last), Decimal(step or 1)
    growing = (by > 1 and begin > 0) if times else by > 0
    if not growing or end < begin:
        raise PresetError(f"{text}: the range {item} never gets from {first} to {last}")
    found = []
    while begin <= end:
        found.append(f"{_plain(begin)}{unit}")
        begin = begin * by if times else begin + by
        if len(found) > MOST_VALUES:
            raise PresetError(f"{text}: the range {item} has more than {MOST_VALUES} values")
    return found


def _seeds(text: str, item: str) -> list[str]:
    """The seeds of `0-5`, or of `5-0` backwards."""
    first, last = map(int, item.split("-"))
    if abs(last - first) >= MOST_VALUES:
        raise PresetError(f"{text}: {item} are more than {MOST_VALUES} seeds")
    step = 1 if last >= first else -1
    return [str(seed) for seed in range(first, last + step, step)]


def _value(text: str, place: str, label: str) -> Any:
    """A label as YAML means it; times stay text."""
    if place == TIME:
        return label
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(label)
    except (YAMLError, InvalidOperation, ValueError):
        raise PresetError(f"{text}: the value {shown(label)} is no YAML") from None


def _plain(number: Decimal) -> str:
    """Without an exponent or needless zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
