"""Panels: which pictures stand side by side in a frame, and what stands beneath them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from .captions import read_caption
from .latent_words import MAX_SEED
from .mistakes import Mistake, Place, gather, shown
from .part import Part
from .seeds import read_seeds
from .values import Color, Flag, Text, choice, leaf, read_text, whole

PANEL_WORDS = ("low", "blend", "high")
FILTERS = ("lanczos", "nearest")
MOST_SEEDS, MOST_CURVES, MOST_PICTURES = 256, 16, 1024

_SNAPSHOT = "snapshot:"
_AT_KIMG = re.compile(r"(.+)@([0-9]+(?:\.[0-9]+)?)")
_KIMG = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_NAME = {"type": "string", "minLength": 1}
_CURVES_SHAPE = {"anyOf": [_NAME, {"type": "array", "minItems": 1, "maxItems": MOST_CURVES, "items": _NAME}]}


def _read_show(value: Any) -> str:
    text = read_text(value)
    if text.startswith(_SNAPSHOT) and not _KIMG.fullmatch(text.removeprefix(_SNAPSHOT).strip()):
        raise ValueError(f"write {_SNAPSHOT}100, with the snapshot's kimg, not {shown(text)}")
    return text


def _read_label(value: Any) -> str:
    text = read_text(value)
    read_caption(text)
    return text


class Panel(Part):
    """One picture: `low`, `blend`, `high`, `snapshot:100` or a model's name, with its words."""

    section: ClassVar[Place] = ("panels",)
    shorthand: ClassVar[str | None] = "show"
    example: ClassVar[str] = "{show: blend, label: half way}"

    show: Annotated[str, *leaf(_read_show, _NAME)] = Field(
        description="low, blend, high, a model's name, snapshot:100 (the blend at that kimg) or ukiyoe@100."
    )
    label: Annotated[str, *leaf(_read_label, _NAME)] | None = Field(
        default=None,
        description='The words under the picture, such as "swap {blend.swap}"; default: its name.',
    )
    seed: Annotated[int, *whole(0, MAX_SEED)] | None = Field(
        default=None, description="A seed that this picture shows at rest, instead of the walk."
    )

    @property
    def word(self) -> str:
        """What is shown, whichever snapshot of it: low, blend, high or a model's name."""
        return self._parts[0]

    @property
    def kimg(self) -> float | None:
        """The kimg of a snapshot that it names."""
        return self._parts[1]

    @property
    def _parts(self) -> tuple[str, float | None]:
        if self.show.startswith(_SNAPSHOT):
            return "blend", float(self.show.removeprefix(_SNAPSHOT))
        if match := _AT_KIMG.fullmatch(self.show):
            return match[1], float(match[2])
        return self.show, None


Row = tuple[Panel, ...]


def _read_panel(value: Any) -> Panel:
    return Panel.model_validate(value)


def _read_rows(value: Any) -> tuple[Row, ...]:
    if isinstance(value, str | Panel | Mapping):
        return ((_read_panel(value),),)
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("panels are a list such as [low, blend, high], or a list of such rows")
    nested = [isinstance(item, list | tuple) for item in value]
    if not any(nested):
        return (tuple(gather((((index,), item) for index, item in enumerate(value)), _read_panel)),)
    if not all(nested) or not all(value):
        raise ValueError("panels are one row, or a list in which every item is a row: [[low, high], [blend]]")
    places = [(row, column) for row, items in enumerate(value) for column in range(len(items))]
    panels = iter(gather(((place, value[place[0]][place[1]]) for place in places), _read_panel))
    return tuple(tuple(next(panels) for _ in items) for items in value)


def _read_panel_seeds(value: Any) -> tuple[int, ...]:
    seeds = read_seeds(value)
    if len(seeds) > MOST_SEEDS:
        raise ValueError(f"a frame shows at most {MOST_SEEDS} seeds, not {len(seeds)}")
    return seeds


def _read_curves(value: Any) -> tuple[str, ...]:
    names = value if isinstance(value, list | tuple) else [value]
    if len(names) > MOST_CURVES:
        raise ValueError(f"there is room for {MOST_CURVES} curves, not {len(names)}")
    if not names:
        raise ValueError("curves are names of numbers that move, such as [blend.swap, truncation]")
    return tuple(gather((((index,), name) for index, name in enumerate(names)), read_text))


class Panels(Part):
    """The layout of a frame."""

    section: ClassVar[Place] = ("panels",)
    shorthand: ClassVar[str | None] = "show"
    example: ClassVar[str] = "[low, blend, high]"

    show: Annotated[tuple[Row, ...], *leaf(_read_rows, {"$ref": "#/definitions/rows"})] = Field(
        default=((Panel(show="blend"),),), description="The pictures of one row, or a list of rows."
    )
    seeds: Annotated[tuple[int, ...], *leaf(_read_panel_seeds, {"$ref": "#/definitions/seeds"})] | None = (
        Field(
            default=None,
            description="Seeds at rest, instead of the walk: the pictures of `show` come once for each.",
        )
    )
    columns: Annotated[int, *whole(1, MOST_SEEDS)] | None = Field(
        default=None,
        description="How many seeds stand side by side; default: all, or one where `show` is a row of many.",
    )
    labels: Flag = Field(default=False, description="Whether every picture carries its name.")
    font: Text | None = Field(
        default=None, description="A font for these words, a .ttf, .otf or .ttc file; default: Source Sans."
    )
    gap: Annotated[int, *whole(0, 512)] = Field(default=4, description="Pixels between pictures.")
    border: Annotated[int, *whole(0, 64)] = Field(
        default=0, description="Pixels of a line around every picture."
    )
    border_color: Color = Field(default="#ffffff", description="Colour of that line.")
    scale: Annotated[int, *whole(1, 16)] = Field(
        default=1, description="How many times larger than rendered the pictures are shown."
    )
    filter: Annotated[str, *choice(*FILTERS)] = Field(
        default="lanczos",
        description="How pictures are enlarged: lanczos (smooth) or nearest (square pixels).",
    )
    curves: Annotated[tuple[str, ...], *leaf(_read_curves, _CURVES_SHAPE)] | None = Field(
        default=None,
        description="Numbers drawn over time beneath the pictures, such as [blend.swap], with a playhead.",
    )
    background: Color = Field(default="#000000", description="Colour behind and between the pictures.")

    def conflicts(self) -> list[Mistake]:
        count = sum(map(len, self.show)) * len(self.seeds or (0,))
        if count > MOST_PICTURES:
            return [Mistake(("show",), f"a frame has room for {MOST_PICTURES} pictures, not {count}")]
        if self.columns is not None and self.seeds is None:
            text = "says how many seeds stand side by side; write seeds: [3, 14, 15, 92] beside it"
            return [Mistake(("columns",), text, at_key=True)]
        return []

    @property
    def rows(self) -> tuple[Row, ...]:
        """All pictures of a frame, row by row: those of `show`, once for each of the seeds."""
        if self.seeds is None:
            return self.show
        is_wide = any(len(row) > 1 for row in self.show)
        columns = self.columns or (1 if is_wide else len(self.seeds))
        groups = [self.seeds[start : start + columns] for start in range(0, len(self.seeds), columns)]
        return tuple(
            tuple(_with_seed(panel, seed) for seed in group for panel in row)
            for group in groups
            for row in self.show
        )

    def is_labelled(self, panel: Panel) -> bool:
        """Whether this picture carries words."""
        return self.labels or panel.label is not None


def _with_seed(panel: Panel, seed: int) -> Panel:
    """The picture with that seed, unless it has one of its own."""
    return panel if panel.seed is not None else panel.model_copy(update={"seed": seed})
