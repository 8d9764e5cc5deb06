"""The JSON Schema (draft 7) of a preset, by which editors complete keys and explain each in a sentence.

Keys, descriptions and limits come from the same classes that read presets; only the shapes that YAML
can take besides a mapping (short forms, keyframes, times) are written here.
"""

from __future__ import annotations

import types
import typing
from fractions import Fraction
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from render.timeline import EASING_NAMES, Time
from render.timeline.rates import MAX_FPS, MIN_FPS

from .animated import FARTHEST, KIMG, PLACE, SWAP, TRUNCATION, WEIGHT, WIDTH, Animated, Quantity
from .model import Preset
from .models import ModelSource
from .outputs import FORMATS
from .panels import Panel
from .part import Part
from .values import Shape

_EXPRESSION = {
    "type": "string",
    "pattern": "^\\s*=",
    "description": "A formula such as =0.7 + 0.1*sin(tau*u).",
}
_TIME = {
    "description": "A time: 2s, 48f (frames), 4b (beats), 50%, end, 0, or a sum such as end-1s.",
    "oneOf": [
        {"const": 0},
        {
            "type": "string",
            "pattern": "^[-+\\s]*(0|[0-9./\\s]+[sfb%]|end)(\\s*[-+]\\s*([0-9./\\s]+[sfb%]|end|0))*\\s*$",
        },
    ],
}
_FRAME_RATE = {
    "oneOf": [
        {"type": "number", "minimum": float(MIN_FPS), "maximum": MAX_FPS},
        {"type": "string", "pattern": "^[0-9.]+(\\s*/\\s*[0-9]+)?$"},
    ]
}
_TEMPO = {
    "oneOf": [
        {"type": "number", "minimum": 1, "maximum": 1000},
        {"type": "string", "pattern": "^[0-9.]+(\\s*/\\s*[0-9]+)?$"},
    ]
}
_EASING = {
    "description": "How the value moves to the next key; default linear.",
    "anyOf": [
        {"enum": [name for name in EASING_NAMES if "(" not in name]},
        {"type": "string", "pattern": "^\\s*(ease-)?(in|out|in-out)-[a-z]+\\s*$"},
        {"type": "string", "pattern": "^\\s*(steps|cubic-bezier)\\s*\\("},
    ],
}
_SEED = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
_SEED_RANGES = {"type": "string", "pattern": "^[0-9,\\s-]+$", "description": "Seeds as text: 0-5,9."}
_LAYER = {
    "anyOf": [
        {"type": "number", "minimum": 4, "maximum": 8192},
        {
            "type": "string",
            "pattern": "^\\s*([0-9.]+(\\s*/\\s*[01])?|[Ll][0-9]{1,2}|[Ii][Nn][Pp][Uu][Tt])\\s*$",
        },
    ],
    "description": "A resolution (32), a layer (32/1), or L7 in StyleGAN3.",
}
_PAIR = {"type": "array", "items": [{"type": "integer"}, {"enum": [0, 1]}], "minItems": 2, "maxItems": 2}
_VALUES: dict[Quantity, dict[str, Any]] = {
    TRUNCATION: {"type": "number", "minimum": -FARTHEST, "maximum": FARTHEST},
    WEIGHT: {"type": "number", "minimum": -FARTHEST, "maximum": FARTHEST},
    WIDTH: {"type": "number", "minimum": 0},
    KIMG: {"type": "number", "minimum": 0},
    PLACE: {"type": "number"},
    SWAP: _LAYER,
}


def preset_schema() -> dict[str, Any]:
    """The schema as plain data, ready for `json.dumps`."""
    definitions: dict[str, Any] = {
        "time": _TIME,
        "frame_rate": _FRAME_RATE,
        "tempo": _TEMPO,
        "easing": _EASING,
        "seeds": {
            "anyOf": [
                _SEED,
                _SEED_RANGES,
                {"type": "array", "minItems": 1, "items": {"anyOf": [_SEED, _SEED_RANGES]}},
            ]
        },
        "models": {"type": "object", "minProperties": 1, "additionalProperties": _reference(ModelSource)},
        "rows": _rows(),
        "outputs": _outputs(),
    }
    for quantity, value in _VALUES.items():
        definitions[f"animated_{quantity.name}"] = _animated(quantity, value)
    root = _mapping(Preset, definitions)
    for part in (ModelSource, Panel, *FORMATS.values()):
        _define(part, definitions)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "blendreel preset",
        "description": "A clip that blends StyleGAN networks over time.",
        **root,
        "definitions": dict(sorted(definitions.items())),
    }


def _animated(quantity: Quantity, value: dict[str, Any]) -> dict[str, Any]:
    in_key = {"anyOf": [value, _PAIR]} if quantity is SWAP else value
    key = {
        "type": "array",
        "description": "[time, value] or [time, value, easing]",
        "items": [{"$ref": "#/definitions/time"}, in_key, {"$ref": "#/definitions/easing"}],
        "minItems": 2,
        "maxItems": 6,  # an unquoted cubic-bezier(a, b, c, d) is four items to YAML
        "additionalItems": {"type": ["number", "string"]},
    }
    return {"anyOf": [value, _EXPRESSION, {"type": "array", "minItems": 1, "items": key}]}


def _rows() -> dict[str, Any]:
    row = {"type": "array", "minItems": 1, "items": _reference(Panel)}
    return {"anyOf": [{"type": "string"}, row, {"type": "array", "minItems": 1, "items": row}]}


def _outputs() -> dict[str, Any]:
    suffixes = "|".join(suffix.lstrip(".") for suffix in FORMATS)
    name = {"type": "string", "pattern": f"\\.({suffixes})\\s*$"}
    one = {"anyOf": [name, *map(_reference, dict.fromkeys(FORMATS.values()))]}
    return {"anyOf": [one, {"type": "array", "items": one}]}


def _mapping(part: type[Part], definitions: dict[str, Any]) -> dict[str, Any]:
    fields = part.model_fields
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _property(field, definitions) for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.is_required()],
    }


def _property(field: FieldInfo, definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _field_schema(field, definitions)
    described: dict[str, Any] = {"description": field.description}
    default = _default_data(field.default)
    if default is not None:
        described["default"] = default
    # draft 7 ignores what stands beside a $ref
    return {**described, "allOf": [schema]} if "$ref" in schema else {**described, **schema}


def _field_schema(field: FieldInfo, definitions: dict[str, Any]) -> dict[str, Any]:
    for mark in field.metadata:
        if isinstance(mark, Shape):
            return mark.schema
    for kind in _members(field.annotation):
        if typing.get_origin(kind) is typing.Annotated:
            return next(mark.schema for mark in kind.__metadata__ if isinstance(mark, Shape))
        if isinstance(kind, type) and issubclass(kind, Part):
            _define(kind, definitions)
            return _reference(kind)
    raise TypeError(f"{field} has no shape; annotate it with one of render.preset.values")


def _members(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _define(part: type[Part], definitions: dict[str, Any]) -> None:
    if part.__name__ in definitions:
        return
    definitions[part.__name__] = {}
    mapping = _mapping(part, definitions)
    if part in FORMATS.values():
        suffixes = "|".join(
            suffix.lstrip(".") for suffix, format_part in FORMATS.items() if format_part is part
        )
        mapping["properties"]["file"]["pattern"] = f"\\.({suffixes})\\s*$"
        definitions[part.__name__] = mapping
        return
    short = mapping["properties"].get(part.shorthand or "")
    definitions[part.__name__] = {"anyOf": [mapping, short]} if short else mapping


def _reference(part: type[Part]) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{part.__name__}"}


def _default_data(value: Any) -> Any:
    if isinstance(value, Animated):
        return value.as_data()
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else str(value)
    if value is PydanticUndefined or value is None or isinstance(value, Part | Time | tuple):
        return None
    return value
