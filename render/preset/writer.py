"""A preset back to plain data and to YAML: only what was set, in the order of the format, in short forms."""

from __future__ import annotations

import io
import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from render.timeline import Time, exact_text

from .part import Part

_BLOCKS = ("models", "blend", "channels", "vars")  # written one key per line; other sections fit on one line
_WIDTH = 110
_ENDLESS = 2**30


# --- presets as plain data ----------------------------------------------------------------------------------


def data_of(value: Any) -> Any:
    """The plain data a preset file writes for a value: mappings, lists, text and numbers."""
    if isinstance(value, Part):
        return _part_data(value)
    if hasattr(value, "as_data"):
        return data_of(value.as_data())
    if isinstance(value, Time):
        return str(value) if value.terms else 0
    if isinstance(value, Fraction):
        return _fraction_data(value)
    if isinstance(value, Mapping):
        return {str(key): data_of(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [data_of(item) for item in value]
    return value


def _fraction_data(number: Fraction) -> int | float | str:
    if number.denominator == 1:
        return int(number)
    text = exact_text(number)
    return text if "/" in text else float(text)


def given(part: Part) -> dict[str, Any]:
    """The fields that were set, in the order of the format."""
    return {
        name: getattr(part, name)
        for name in type(part).model_fields
        if name in part.model_fields_set and getattr(part, name) is not None
    }


def _part_data(part: Part) -> Any:
    data = {name: data_of(value) for name, value in given(part).items()}
    if "show" in data and isinstance(data["show"], list) and len(data["show"]) == 1:
        data["show"] = data["show"][0]
    if part.shorthand is not None and list(data) == [part.shorthand]:
        return data[part.shorthand]
    return data


def preset_data(preset: Part) -> dict[str, Any]:
    """The plain data of a whole preset, which always names its version."""
    return {"version": 1, **{name: data_of(value) for name, value in given(preset).items()}}


# --- what was changed ---------------------------------------------------------------------------------------


def revised(written: Any, before: Any, after: Any) -> Any:
    """The plain data of `after`: what was `written` for `before`, wherever the two are equal.

    So a seed range stays a range and a short form stays short, as long as nobody touched them.
    """
    if type(before) is type(after) and before == after:
        return written
    if isinstance(before, Part) and type(before) is type(after):
        short = None if isinstance(written, dict) else before.shorthand
        old = {short: written} if short is not None else written
        new = revised_fields(old, given(before), given(after))
        return new[short] if short is not None and list(new) == [short] else new
    if isinstance(before, Mapping) and isinstance(after, Mapping) and isinstance(written, dict):
        return revised_fields(written, before, after)
    if _are_rows(before, after, written):
        return _revised_items(written, before, after)
    return data_of(after)


def revised_fields(
    written: dict[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """As `revised`, key by key, in the order of the text; new keys stand at their place among the others."""
    new: dict[str, Any] = {}
    for key, value in after.items():
        if key in written and key in before:
            new[key] = revised(written[key], before[key], value)
        else:
            new[key] = data_of(value)
    return {key: new[key] for key in _merged_order(list(written), list(new))}


def _merged_order(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The keys of `new`: those in `old` in its order, the others after the one they follow in `new`."""
    order = [key for key in old if key in new]
    for index, key in enumerate(new):
        if key not in old:
            before = [other for other in new[:index] if other in order]
            order.insert(order.index(before[-1]) + 1 if before else 0, key)
    return order


def _are_rows(before: Any, after: Any, written: Any) -> bool:
    """Whether all three are lists whose entries stand for each other, one by one."""
    lists = all(isinstance(value, list | tuple) for value in (before, after, written))
    return lists and len(before) == len(written) and any(isinstance(item, Part) for item in before)


def _revised_items(written: Sequence[Any], before: Sequence[Any], after: Sequence[Any]) -> list[Any]:
    """As `revised`, entry by entry; entries that come or go do so before those that are equal at the end."""
    head, tail = kept(before, after)
    new = [revised(*items) for items in zip(written[:head], before[:head], after[:head], strict=True)]
    new += map(data_of, after[head : len(after) - tail])
    return [*new, *written[len(written) - tail :]]


def kept(
    before: Sequence[Any], after: Sequence[Any], equal: Callable[[Any, Any], bool] = operator.eq
) -> tuple[int, int]:
    """How many entries stand for each other at the head and at the tail of two lists."""
    shortest, tail = min(len(before), len(after)), 0
    if len(before) == len(after):
        return shortest, 0
    while tail < shortest and equal(before[-1 - tail], after[-1 - tail]):
        tail += 1
    return shortest - tail, tail


# --- text ---------------------------------------------------------------------------------------------------


def fresh_text(data: Mapping[str, Any]) -> str:
    """The YAML text of a preset's plain data."""
    return _dumped(CommentedMap((key, _styled(value, key in _BLOCKS)) for key, value in data.items()))


def entry_text(key: str, value: Any) -> str:
    """`key: value` as a preset writes it, on one or more lines."""
    return fresh_text({key: value}).rstrip("\n")


def flow_text(value: Any) -> str:
    """A value on one line, as it may stand anywhere, also inside of [ ] and { }."""
    return _dumped(_styled([value]), _ENDLESS).strip()[1:-1].strip()


def _dumped(value: Any, width: int = _WIDTH) -> str:
    yaml = YAML()
    yaml.width = width
    stream = io.StringIO()
    yaml.dump(value, stream)
    return stream.getvalue()


def _styled(value: Any, block: bool = False) -> Any:
    if isinstance(value, dict):
        styled = CommentedMap((key, _styled(item)) for key, item in value.items())
    elif isinstance(value, list):
        styled = CommentedSeq(_styled(item) for item in value)
    else:
        return value
    if not block:
        styled.fa.set_flow_style()
    return styled
