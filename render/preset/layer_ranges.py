"""Ranges as people write them: of layers (`4-8`, `16+`, `32/1`, `L3-L7`), and of rows of ws (`0-5`, `8+`)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from .layers import MAX_RESOLUTION, MIN_RESOLUTION
from .mistakes import shown

MOST_ROWS = 64
_LAYER = re.compile(r"(?P<resolution>\d{1,5})(?:/(?P<level>[01]))?|[Ll](?P<index>\d{1,2})|input")
_RANGE_HELP = "layers are written 4-8, 16+, 32, 32/1 or 4/0-16/1; in StyleGAN3 also L3, L3-L7, L5+ or input"
_ROWS_HELP = "rows of ws are written 3, 0-5, 8+ or 0-2,6+"

Step = tuple[float, float]  # (resolution, level), or (number of the layer in StyleGAN3, 0)


@dataclass(frozen=True)
class LayerRange:
    """Layers between two, both included; `read_layers` makes one.

    Attributes:
        text: as written, without spaces.
        first, last: (resolution, level), or where `by_name` (position, 0); infinite where nothing is said.
        by_name: whether it speaks of StyleGAN3's layers by their names.
    """

    text: str
    first: Step
    last: Step
    by_name: bool = False

    def covers(self, resolution: int, level: int, name: str, position: int) -> bool:
        """Whether a network's layer lies in the range; StyleGAN3's names mean nothing in other networks."""
        if self.by_name:
            return _is_named(name) and self.first[0] <= position <= self.last[0]
        return self.first <= (resolution, level) <= self.last

    def overlaps(self, other: LayerRange) -> bool:
        """Whether some layer may lie in both."""
        return self.by_name == other.by_name and self.first <= other.last and other.first <= self.last

    def __str__(self) -> str:
        return self.text


def read_layers(value: Any) -> LayerRange:
    """The range of layers written as `value`.

    Raises:
        ValueError: it is no range of layers; the message says how they are written.
    """
    if isinstance(value, LayerRange):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{_RANGE_HELP}; not {shown(value)}")
    text = str(value).replace(" ", "")
    begin, dash, end = text.partition("-")
    is_open = not dash and text.endswith("+")
    lower = _bound(begin.removesuffix("+") if is_open else begin, value)
    upper = _bound(end, value) if dash else lower
    by_name, first, _ = lower
    last = (math.inf, math.inf) if is_open else upper[2]
    if by_name != upper[0]:
        raise ValueError(f"{text} goes from a resolution to a name; {_RANGE_HELP}")
    if last < first:
        raise ValueError(f"{text} runs backwards; the coarser layer stands first")
    return LayerRange(text, first, last, by_name)


def overlap_mistakes(ranges: Iterable[LayerRange]) -> list[tuple[LayerRange, str]]:
    """The ranges that claim layers of an earlier one, or speak of layers in another way, each with why."""
    found = {}
    for earlier, later in combinations(ranges, 2):
        if earlier.overlaps(later):
            text = f"{later} and {earlier} speak of the same layers; each layer is named once"
            found.setdefault(later, text)
        elif earlier.by_name != later.by_name:
            text = f"{later} and {earlier} count layers in two ways; use resolutions or names, not both"
            found.setdefault(later, text)
    return list(found.items())


def _bound(text: str, value: Any) -> tuple[bool, Step, Step]:
    """Whether it is a name, its first step and its last one."""
    match = _LAYER.fullmatch(text)
    if match is None:
        raise ValueError(f"cannot read {shown(value)} as layers; {_RANGE_HELP}")
    if match["resolution"] is None:
        position = int(match["index"]) + 1 if match["index"] else 0
        return True, (position, 0), (position, 0)
    resolution = int(match["resolution"])
    if not MIN_RESOLUTION <= resolution <= MAX_RESOLUTION or resolution & (resolution - 1):
        raise ValueError(f"layers have resolutions of 4, 8, 16, 32 … to {MAX_RESOLUTION}, not {resolution}")
    if match["level"] is None:
        return False, (resolution, 0), (resolution, math.inf)
    return False, (resolution, int(match["level"])), (resolution, int(match["level"]))


def _is_named(name: str) -> bool:
    return name == "input" or name.startswith("L")


@dataclass(frozen=True)
class Rows:
    """Rows of ws, counted from 0; `read_rows` makes one.

    Attributes:
        text: as written, without spaces.
        parts: (first, last) with both included; last is None where all further rows are meant.
    """

    text: str
    parts: tuple[tuple[int, int | None], ...]

    def covers(self, row: int) -> bool:
        """Whether the row is meant."""
        return any(first <= row and (last is None or row <= last) for first, last in self.parts)

    def indices(self, num_ws: int) -> tuple[int, ...]:
        """The rows meant in a network with `num_ws` rows."""
        return tuple(row for row in range(num_ws) if self.covers(row))

    def as_data(self) -> int | str:
        """As a preset file writes it."""
        return int(self.text) if self.text.isdigit() else self.text


def read_rows(value: Any) -> Rows:
    """The rows of ws written as `value`: `3`, `0-5`, `8+`, `0-2,6+`.

    Raises:
        ValueError: it is no such text, runs backwards, or goes beyond what networks have.
    """
    if isinstance(value, Rows):
        return value
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"{_ROWS_HELP}; not {shown(value)}")
    text = str(value).replace(" ", "")
    parts = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,3})(?:(\+)|-(\d{1,3}))?", part)
        if match is None:
            raise ValueError(f"cannot read {shown(value)} as rows; {_ROWS_HELP}")
        first, last = int(match[1]), None if match[2] else int(match[3] or match[1])
        if last is not None and last < first:
            raise ValueError(f"{part} runs backwards; write {last}-{first}")
        if max(first, last or 0) >= MOST_ROWS:
            raise ValueError(f"row {max(first, last or 0)} is in no network; rows are 0 to {MOST_ROWS - 1}")
        parts.append((first, last))
    return Rows(text, tuple(parts))
