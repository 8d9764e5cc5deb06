"""A preset back to YAML: only what was set, in the order of the format, in its short forms."""

from __future__ import annotations

import io
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from render.timeline import Time, exact_text

from .animated import Animated
from .part import Part

_BLOCKS = ("models", "blend")  # written one key per line; other sections fit on one line
_WIDTH = 110


def preset_yaml(preset: Part) -> str:
    """The YAML text of a preset; reading it gives an equal preset."""
    root = CommentedMap()
    for name in type(preset).model_fields:
        value = getattr(preset, name)
        if name == "version" or (name in preset.model_fields_set and value is not None):
            root[name] = _styled(_data(value), block=name in _BLOCKS)
    yaml = YAML()
    yaml.width = _WIDTH
    stream = io.StringIO()
    yaml.dump(root, stream)
    return stream.getvalue()


def _data(value: Any) -> Any:
    if isinstance(value, Part):
        return _part_data(value)
    if isinstance(value, Animated):
        return value.as_data()
    if isinstance(value, Time):
        return str(value) if value.terms else 0
    if isinstance(value, Fraction):
        return _fraction_data(value)
    if isinstance(value, Mapping):
        return {key: _data(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_data(item) for item in value]
    return value


def _fraction_data(number: Fraction) -> int | float | str:
    if number.denominator == 1:
        return int(number)
    text = exact_text(number)
    return text if "/" in text else float(text)


def _part_data(part: Part) -> Any:
    given = {
        name: _data(getattr(part, name))
        for name in type(part).model_fields
        if name in part.model_fields_set and getattr(part, name) is not None
    }
    if "show" in given and isinstance(given["show"], list) and len(given["show"]) == 1:
        given["show"] = given["show"][0]
    if part.shorthand is not None and list(given) == [part.shorthand]:
        return given[part.shorthand]
    return given


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
