"""Numbers that differ from layer to layer: `{4-8: 0, 16-32: [[0s, 0], [end, 1]], 64+: 1}`.

Every cell is an animated number. Keys whose values are such maps, `[[0s, {4-8: 0}], [end, {4-8: 1}]]`, are
the same thing written the other way round: one track a cell, with the keys' times and easings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

from pydantic import ValidationError

from render.timeline import nearest

from .animated import Animated, read_animated, value_data
from .layer_ranges import LayerRange, overlap_mistakes, read_layers
from .mistakes import Mistake, carried, gather, mistakes_of
from .quantities import TRUNCATION, WEIGHT, Quantity
from .values import leaf

_EXAMPLE = "{4-8: 0, 16-32: [[0s, 0], [end, 1]], 64+: 1}"
_WORDS_OF_KEYS = ("keys", "ease", "repeat")  # a mapping with such words is one moving number


@dataclass(frozen=True)
class LayerCell:
    """The layers of one cell, and the name of the track that carries its number."""

    layers: LayerRange
    track: str


@dataclass(frozen=True)
class LayerMap:
    """Which track speaks of which layers, as `Preset.layer_maps` gives it.

    Attributes:
        default: the number of layers that no cell speaks of.
    """

    cells: tuple[LayerCell, ...]
    default: float


@dataclass(frozen=True)
class Layered:
    """A number for each range of layers, as written.

    Attributes:
        keyed: whether it is written as keys whose values are maps.
    """

    quantity: Quantity
    cells: tuple[tuple[LayerRange, Animated], ...]
    keyed: bool = False

    def layer_map(self, name: str, default: float) -> LayerMap:
        """Its cells with the names of their tracks, `name{16-32}`."""
        return LayerMap(tuple(LayerCell(layers, f"{name}{{{layers}}}") for layers, _ in self.cells), default)

    def as_data(self) -> Any:
        """As a preset file writes it."""
        if not self.keyed:
            return {cell_key(layers): value.as_data() for layers, value in self.cells}
        rows = zip(*(value.keys for _, value in self.cells), strict=True)
        keys = [cell_key(layers) for layers, _ in self.cells]
        maps = [dict(zip(keys, (value_data(key.value) for key in row), strict=True)) for row in rows]
        return self.cells[0][1].keys_data(maps)


def cell_key(layers: LayerRange) -> int | str:
    """The key of a cell as a preset file writes it."""
    return int(layers.text) if layers.text.isdigit() else layers.text


def read_layered(value: Any, quantity: Quantity) -> Animated | Layered:
    """An animated number, or one for each range of layers.

    Raises:
        ValueError: one mistake at the value itself, or a ValidationError that carries many with their places.
    """
    if isinstance(value, Layered):
        return value if value.quantity == quantity else read_layered(value.as_data(), quantity)
    if isinstance(value, Mapping) and "keys" not in value:
        moving = any(isinstance(key, str) and nearest(key, _WORDS_OF_KEYS) for key in value)
        return read_animated(value, quantity) if moving else _read_map(value, quantity)
    rows = value["keys"] if isinstance(value, Mapping) else value
    if isinstance(rows, list | tuple) and any(_has_map(row) for row in rows):
        return _read_keyed(value, rows, quantity)
    return read_animated(value, quantity)


def _has_map(row: Any) -> bool:
    return isinstance(row, list | tuple) and len(row) > 1 and isinstance(row[1], Mapping)


def _read_map(value: Mapping, quantity: Quantity) -> Layered:
    if not value:
        raise ValueError(f"a map over layers has at least one cell: {_EXAMPLE}")
    ranges = _read_ranges(value)
    cells = gather((((key,), item) for key, item in value.items()), partial(read_animated, quantity=quantity))
    return Layered(quantity, tuple(zip(ranges, cells, strict=True)))


def _read_ranges(value: Mapping, place: tuple = ()) -> list[LayerRange]:
    """The keys of a map over layers. Raises a ValidationError with the mistakes between them."""
    ranges, mistakes = {}, []
    for key in value:
        try:
            ranges[key] = read_layers(key)
        except ValueError as error:
            mistakes.append(Mistake((*place, key), str(error), at_key=True))
    keys = {layers: key for key, layers in ranges.items()}
    mistakes += [
        Mistake((*place, keys[layers]), text, at_key=True)
        for layers, text in overlap_mistakes(ranges.values())
    ]
    if mistakes:
        raise carried(mistakes)
    return list(ranges.values())


def _read_keyed(value: Any, rows: list, quantity: Quantity) -> Layered:
    """Keys whose values are maps: one animated number for each of the maps' cells."""
    at_rows = ("keys",) if isinstance(value, Mapping) else ()
    maps = [(index, row[1]) for index, row in enumerate(rows) if _has_map(row)]
    mistakes, first = [], maps[0][1]
    for index, cells in maps:
        place = (*at_rows, index, 1)
        try:
            _read_ranges(cells, place)
        except ValueError as error:
            mistakes += _carried_by(error)
        missing = [str(key) for key in first if key not in cells]
        extra = [str(key) for key in cells if key not in first]
        if missing or extra:
            text = f"every key names the same layers; this one lacks {', '.join(missing)}"
            if not missing:
                text = f"every key names the same layers; the first one lacks {', '.join(extra)}"
            mistakes.append(Mistake(place, text))
    if not first:
        text = f"a map over layers has at least one cell: {_EXAMPLE}"
        mistakes.append(Mistake((*at_rows, maps[0][0], 1), text))
    if mistakes:
        raise carried(mistakes)
    cells = gather(
        (((), (value, rows, key)) for key in first), lambda cell: _read_cell(*cell, quantity=quantity)
    )
    return Layered(quantity, tuple(zip(_read_ranges(first), cells, strict=True)), keyed=True)


def _read_cell(value: Any, rows: list, cell: Any, quantity: Quantity) -> Animated:
    """The animated number of one cell: the same keys, with the cell's value in place of the map."""
    own = [[row[0], row[1][cell], *row[2:]] if _has_map(row) else row for row in rows]
    try:
        return read_animated({**value, "keys": own} if isinstance(value, Mapping) else own, quantity)
    except ValueError as error:
        in_cell = [
            replace(mistake, place=(*mistake.place, cell)) if mistake.place[-1:] == (1,) else mistake
            for mistake in _carried_by(error)
        ]
        raise carried(in_cell) from None


def _carried_by(error: ValueError) -> list[Mistake]:
    return mistakes_of(error) if isinstance(error, ValidationError) else [Mistake((), str(error))]


LayeredTruncation = Annotated[
    Animated | Layered,
    *leaf(partial(read_layered, quantity=TRUNCATION), {"$ref": "#/definitions/layered_truncation"}),
]
LayeredWeight = Annotated[
    Animated | Layered,
    *leaf(partial(read_layered, quantity=WEIGHT), {"$ref": "#/definitions/layered_weight"}),
]
