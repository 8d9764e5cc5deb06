"""The JSON Schema (draft 7) of a preset, by which editors complete keys and explain each in a sentence.

Keys, descriptions and limits come from the same classes that read presets; only the shapes that YAML can take
besides a mapping (short forms, keyframes, times) are written by hand, in schema_shapes.py.
"""

from __future__ import annotations

import types
import typing
from fractions import Fraction
from itertools import combinations, product
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from render.timeline import Time

from .animated import Animated
from .beats import DETECT
from .blend import FORMS, Blend
from .channels import LAYER_PATTERN, NAME_PATTERN, TakenChannels
from .clip import Clip
from .latents import Direction, Latents, Mixing
from .model import Preset
from .models import ModelSource
from .outputs import FORMATS, VideoOutput, name_pattern
from .panels import Panel
from .part import Part
from .schema_shapes import ref, shapes
from .seeds import RandomSeeds
from .truncation import Clusters
from .values import Shape
from .walk import SOURCES


def _blend_pairs() -> tuple[tuple[str, str], ...]:
    """Keys of a blend that stand in no form together: the key of one form, and each that is not in it."""
    pairs = {
        tuple(sorted((needed, key)))
        for form in FORMS.values()
        for needed, key in product(form.needs, Blend.model_fields)
        if key not in (*form.needs, *form.also)
    }
    return tuple(sorted(pairs))


_SIZES = (("scale", "width"), ("scale", "height"))
# Keys of one mapping that exclude each other: of each group at most one is written.
_ONE_OF: dict[type[Part], tuple[tuple[str, ...], ...]] = {
    ModelSource: (("file", "snapshots"), ("sha256", "snapshots")),
    Clip: (("offset", "beats"),),
    **dict.fromkeys(
        (Latents, Mixing), (SOURCES, ("every", "position"), ("keys", "every"), ("keys", "position"))
    ),
    Direction: (("sefa", "file"),),
    TakenChannels: (("layers", "file"),),
    Blend: _blend_pairs(),
    **dict.fromkeys(FORMATS.values(), _SIZES),
    VideoOutput: (*_SIZES, ("crf", "bitrate")),
}
# More that a mapping may not be: beside the word detect a tempo says what is looked for.
_ALSO_NOT: dict[type[Part], list[dict[str, Any]]] = {
    Clip: [{"required": ["bpm", "beats"], "properties": {"beats": {"not": {"enum": [DETECT, None]}}}}],
}
# What a preset needs that extends no other: sections, and keys in them.
_COMPLETE: dict[str, Any] = {
    "required": ["models", "clip"],
    "properties": {
        "clip": {"required": ["duration"]},
        "blend": {"anyOf": [{"required": list(form.needs)} for form in FORMS.values()]},
        "truncation_clusters": {"required": ["count"]},
        "channels": {"additionalProperties": {"required": ["from"]}},
        "latents": {"properties": {"random": {"required": ["count"]}, "mixing": {"required": ["layers"]}}},
    },
}
_CHANNEL_LIST = {
    "type": "array",
    "minItems": 1,
    "uniqueItems": True,
    "items": {"type": "integer", "minimum": 0},
}
_MERGED = (
    Preset,
    Clip,
    Clusters,
    RandomSeeds,
    Mixing,
    TakenChannels,
)  # what they need may stand in the preset extended
_EXTENDS = (
    "Another preset, base.yaml or a shipped one's name, that this one starts from; what is written here wins."
)


def preset_schema() -> dict[str, Any]:
    """The schema as plain data, ready for `json.dumps`."""
    definitions: dict[str, Any] = {
        **shapes(),
        "models": {"type": "object", "minProperties": 1, "additionalProperties": _reference(ModelSource)},
        "channels": _named(NAME_PATTERN, _reference(TakenChannels)),
        "layer_channels": _named(LAYER_PATTERN, _CHANNEL_LIST),
        "directions": {"type": "array", "items": _reference(Direction)},
        "rows": _rows(),
        "outputs": _outputs(),
    }
    root = _mapping(Preset, definitions)
    root["properties"]["extends"] = {"type": "string", "minLength": 1, "description": _EXTENDS}
    root |= {"if": {"not": {"required": ["extends"]}}, "then": _COMPLETE}
    for part in (ModelSource, Direction, TakenChannels, Panel, *FORMATS.values()):
        _define(part, definitions)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "blendreel preset",
        "description": "A clip that blends StyleGAN networks over time.",
        **root,
        "definitions": dict(sorted(definitions.items())),
    }


def _named(pattern: str, value: dict[str, Any]) -> dict[str, Any]:
    """A mapping of names of one's own."""
    names = {"pattern": f"^({pattern})$"}
    return {"type": "object", "minProperties": 1, "propertyNames": names, "additionalProperties": value}


def _rows() -> dict[str, Any]:
    row = {"type": "array", "minItems": 1, "items": _reference(Panel)}
    return {"anyOf": [_reference(Panel), row, {"type": "array", "minItems": 1, "items": row}]}


def _outputs() -> dict[str, Any]:
    name = {"type": "string", "pattern": name_pattern()}
    one = {"anyOf": [name, *map(_reference, dict.fromkeys(FORMATS.values()))]}
    return {"anyOf": [one, {"type": "array", "items": one}]}


def _mapping(part: type[Part], definitions: dict[str, Any]) -> dict[str, Any]:
    fields = part.model_fields
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _property(field, definitions) for name, field in fields.items()},
        **_rules(part),
    }


def _rules(part: type[Part]) -> dict[str, Any]:
    """Which keys a mapping needs, and which exclude each other."""
    needed = [name for name, field in part.model_fields.items() if field.is_required()]
    pairs = [pair for group in _ONE_OF.get(part, ()) for pair in combinations(group, 2)]
    rules: dict[str, Any] = {"required": needed} if needed and part not in _MERGED else {}
    excluded = [{"required": list(pair)} for pair in pairs] + _ALSO_NOT.get(part, [])
    return {**rules, "allOf": [{"not": shape} for shape in excluded]} if excluded else rules


def _property(field: FieldInfo, definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _field_schema(field, definitions)
    described: dict[str, Any] = {"description": field.description}
    default = _default_data(field.default)
    if default is not None:
        described["default"] = default
    if not field.is_required():
        schema = {"anyOf": [schema, {"type": "null"}]}  # takes out what a preset inherits
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
        mapping["properties"]["file"]["pattern"] = name_pattern(part)
        definitions[part.__name__] = mapping
        return
    short = mapping["properties"].get(part.shorthand or "")
    definitions[part.__name__] = {"anyOf": [mapping, short]} if short else mapping


def _reference(part: type[Part]) -> dict[str, Any]:
    return ref(part.__name__)


def _default_data(value: Any) -> Any:
    if isinstance(value, Animated):
        return value.as_data()
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else str(value)
    if value is PydanticUndefined or value is None or isinstance(value, Part | Time | tuple):
        return None
    return value
