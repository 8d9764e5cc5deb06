"""Panels: which pictures stand side by side in a frame."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from .mistakes import Place, gather
from .part import Part
from .values import Color, Flag, Text, leaf, whole

PANEL_WORDS = ("low", "blend", "high")


class Panel(Part):
    """One picture: `low`, `blend`, `high` or a model's name, with a label of its own if given."""

    section: ClassVar[Place] = ("panels",)
    shorthand: ClassVar[str | None] = "show"
    example: ClassVar[str] = "{show: blend, label: half way}"

    show: Text = Field(description="low, blend, high, or the name of a model.")
    label: Text | None = Field(default=None, description="The words under the picture; default: its name.")


Row = tuple[Panel, ...]


def _read_panel(value: Any) -> Panel:
    return Panel.model_validate(value)


def _read_rows(value: Any) -> tuple[Row, ...]:
    if isinstance(value, str | Panel):
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


class Panels(Part):
    """The layout of a frame."""

    section: ClassVar[Place] = ("panels",)
    shorthand: ClassVar[str | None] = "show"
    example: ClassVar[str] = "[low, blend, high]"

    show: Annotated[tuple[Row, ...], *leaf(_read_rows, {"$ref": "#/definitions/rows"})] = Field(
        default=((Panel(show="blend"),),), description="The pictures of one row, or a list of rows."
    )
    labels: Flag = Field(default=False, description="Whether every picture carries its name.")
    gap: Annotated[int, *whole(0, 512)] = Field(default=4, description="Pixels between pictures.")
    scale: Annotated[int, *whole(1, 16)] = Field(
        default=1, description="How many times larger than rendered the pictures are shown."
    )
    background: Color = Field(default="#000000", description="Colour behind and between the pictures.")

    @property
    def rows(self) -> tuple[Row, ...]:
        """The pictures, row by row."""
        return self.show

    def is_labelled(self, panel: Panel) -> bool:
        """Whether this picture carries words."""
        return self.labels or panel.label is not None
