"""The shape of a preset, for putting texts together: which places are parts, which keys exclude others."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping

from .mistakes import Place
from .part import Part

ANY = "*"  # in a pattern of places: any key, or any index

# Keys that exclude each other, side by side: whoever writes one of them over an older preset
# takes the place of the other sides.
_SOURCES = (("seed",), ("seeds",), ("random",), ("files",), ("keys",))
_PACES = (("every",), ("position",), ("keys",))
_EXCLUSIVE: dict[Place, tuple[tuple[tuple[str, ...], ...], ...]] = {
    ("models", ANY): ((("file", "sha256"), ("snapshots",)),),
    ("clip",): ((("bpm", "offset"), ("beats",)),),
    ("channels", ANY): ((("layers",), ("file",)),),
    ("latents",): (_SOURCES, _PACES),
    ("latents", "mixing"): (_SOURCES, _PACES),
    ("blend",): (
        (
            ("model",),
            ("mix", "normalise"),
            ("base", "add"),
            ("low", "high", "swap", "width", "weight", "convention"),
        ),
        (("model",), ("mapping", "noise", "to_rgb", "interpolation")),
    ),
}
_KEYFRAMES = {"keys", "ease", "repeat"}  # an animated number as a mapping; with other keys it maps layers


def matches(place: Place, pattern: Place) -> bool:
    """Whether a place is one of those a pattern means."""
    return len(place) == len(pattern) and all(
        wanted in (ANY, step) for step, wanted in zip(place, pattern, strict=True)
    )


def excluded_by(place: Place, key: str) -> set[str]:
    """The keys of the mapping at `place` that go when `key` is written over them."""
    gone: set[str] = set()
    for pattern, groups in _EXCLUSIVE.items():
        if matches(place, pattern):
            for sides in groups:
                if any(key in side for side in sides):
                    gone.update(*(side for side in sides if key not in side))
    return gone


def shorthand_at(place: Place, value: object, wanted: Iterable[str]) -> str | None:
    """The key that a value other than a mapping stands for, where other keys are wanted beside it.

    `[low, blend]` is short for `panels: {show: [low, blend]}`; a list of keys for `{keys: […]}`.
    """
    part = part_at(place)
    if part is not None:
        return part.shorthand
    return "keys" if isinstance(value, list) and _KEYFRAMES.intersection(wanted) else None


def are_alike(place: Place, old: Mapping, new: Mapping) -> bool:
    """Whether two mappings say the same kind of thing, so that one can be laid over the other."""
    if part_at(place) is not None:
        return True
    kinds = [bool(set(value) & _KEYFRAMES) for value in (old, new)]
    return kinds[0] == kinds[1]


def part_at(place: Place) -> type[Part] | None:
    """The class of the part at a place of a preset; None where there is none."""
    from .model import Preset

    kinds: list[object] = [Preset]
    for step in place:
        kinds = [inner for kind in kinds for inner in _within(kind, step)]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Part)), None)


def _within(kind: object, step: str | int) -> Iterable[object]:
    if isinstance(kind, type) and issubclass(kind, Part):
        field = kind.model_fields.get(step) if isinstance(step, str) else None
        return () if field is None else _members(field.annotation)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is dict and isinstance(step, str):
        return _members(arguments[1])
    if origin is tuple and isinstance(step, int):
        return _members(arguments[0])
    return ()


def _members(kind: object) -> Iterable[object]:
    """A type without its annotations; of a union, each of its types."""
    if typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    arguments = typing.get_args(kind)
    if _is_union(kind):
        return [member for argument in arguments for member in _members(argument)]
    return [kind]


def _is_union(kind: object) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)
