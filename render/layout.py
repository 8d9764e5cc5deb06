"""Where pictures stand in a frame: sizes and places, known before anything is drawn. No NumPy, no Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from render.errors import PresetError
from render.preset.captions import panel_name
from render.preset.values import read_color
from render.reach import placed

if TYPE_CHECKING:
    from render.preset import Panel, Preset

DARK = "#111114"
TEXT_SHARE = 1 / 16  # height of a caption's letters, of the panel's height …
TEXT_LIMITS = (11, 28)  # … but in pixels no less and no more than this
STRIP_SHARE = 2.0  # height of a caption's strip, of its letters' height
LANE_SHARE = 2.5  # height of one curve's lane, of the letters' height
MOST_PIXELS = 2**27  # of a frame: 400 MB

Size = tuple[int, int]  # width, height in pixels
Color = tuple[int, int, int]


@dataclass(frozen=True)
class Layout:
    """Where each picture stands in the frame.

    rows:         rows of picture numbers, top to bottom; empty: all in one row. A picture may occur twice
    gap:          pixels between panels
    background:   a colour as presets have it: "#111114", black, white or gray
    scale:        factor on the pictures; captions grow with it
    labels:       a caption for each picture, drawn beneath it; "" for none, None for no captions at all
    border:       pixels of a line around every picture, and its colour
    filter:       how pictures are enlarged: lanczos or nearest
    curves:       how many curves are drawn beneath the pictures
    font:         the file of the captions' font; None: the one that is shipped
    """

    rows: tuple[tuple[int, ...], ...] = ()
    gap: int = 4
    background: str = DARK
    scale: float = 1
    labels: tuple[str, ...] | None = None
    border: int = 0
    border_color: str = "#ffffff"
    filter: str = "lanczos"
    curves: int = 0
    font: str | None = None

    def __post_init__(self) -> None:
        color_of(self.background)
        color_of(self.border_color)
        for name in ("gap", "border"):
            if getattr(self, name) < 0:
                raise PresetError(
                    f"panels: {name} is {getattr(self, name)}; it is a number of pixels, 0 or more"
                )
        if not 0 < self.scale <= 64:
            raise PresetError(f"panels: scale is {self.scale}; it is a factor above 0, up to 64")
        if any(not row for row in self.rows):
            raise PresetError("panels: a row is empty; give each row at least one picture")

    def size(self, picture_sizes: Sequence[Size]) -> Size:
        """Width and height of the frame that `compose` makes from pictures of these (width, height)."""
        return plan_of(self, tuple(picture_sizes)).size


def layout_of(preset: Preset) -> Layout:
    """The layout that a preset describes: its pictures are numbered row by row.

    Words that move stand in its labels as they are written.
    """
    panels = preset.panels
    rows = panels.rows
    flat = [panel for row in rows for panel in row]
    numbers = iter(range(len(flat)))
    labels = labels_of(preset)
    return Layout(
        rows=tuple(tuple(next(numbers) for _ in row) for row in rows),
        gap=panels.gap,
        background=panels.background,
        scale=panels.scale,
        labels=labels if any(labels) else None,
        border=panels.border,
        border_color=panels.border_color,
        filter=panels.filter,
        curves=len(panels.curves or ()),
        font=font_of_captions(preset),
    )


def labels_of(preset: Preset) -> tuple[str, ...]:
    """The words under every picture as written, "" for none."""
    panels = preset.panels
    flat = [panel for row in panels.rows for panel in row]
    return tuple(panel_label(preset, panel) if panels.is_labelled(panel) else "" for panel in flat)


def font_of_captions(preset: Preset) -> str | None:
    """The file of a font that the preset names. Raises PresetError: it is out of reach."""
    font = preset.panels.font
    return str(placed(preset.base_dir, font)) if font else None


def panel_label(preset: Preset, panel: Panel) -> str:
    """The words under a picture as written, or its name."""
    return panel.label or panel_name(preset, panel)


@dataclass(frozen=True)
class Place:
    """A picture's number and its rectangle in the frame, pixels."""

    picture: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Plan:
    """A frame's size and every picture's place.

    strip         height of the captions' strips
    curves_y      where the lanes of curves begin; they reach over the frame's whole width
    lane          height of one of them
    """

    size: Size
    places: tuple[Place, ...]
    strip: int
    curves_y: int = 0
    lane: int = 0


@lru_cache(maxsize=64)
def plan_of(layout: Layout, sizes: tuple[Size, ...]) -> Plan:
    """Every panel's place; depends on the pictures' sizes alone."""
    if not sizes:
        raise PresetError("panels: there is no picture to place")
    rows = layout.rows or (tuple(range(len(sizes))),)
    for number in (number for row in rows for number in row):
        if not 0 <= number < len(sizes):
            raise PresetError(f"panels: there is no picture {number}; they count from 0 to {len(sizes) - 1}")
    if layout.labels is not None and len(layout.labels) != len(sizes):
        raise PresetError(f"panels: {len(layout.labels)} labels for {len(sizes)} pictures; give one each")
    border, gap = layout.border, layout.gap
    height = max(1, round(max(height for _, height in sizes) * layout.scale))
    widths = [max(1, round(size[0] * height / size[1])) for size in sizes]
    strip = strip_height(height) if layout.labels and any(layout.labels) else 0
    row_widths = [sum(widths[number] + 2 * border + gap for number in row) - gap for row in rows]
    row_height = height + 2 * border + strip
    places = []
    for row_index, row in enumerate(rows):
        # A strip already sets a row off from the next one, but only the gap keeps a caption with its picture.
        y = row_index * (row_height + gap) + border
        x = (max(row_widths) - row_widths[row_index]) // 2 + border
        for number in row:
            places.append(Place(number, x, y, widths[number], height))
            x += widths[number] + 2 * border + gap
    total = len(rows) * (row_height + gap) - gap
    letters = text_size(height)
    lane = round(letters * LANE_SHARE) if layout.curves else 0
    lanes_y = total + letters // 2
    bottom = lanes_y + layout.curves * lane + letters // 2 if lane else total
    if max(row_widths) * bottom > MOST_PIXELS:
        raise PresetError(
            f"panels: a frame of {max(row_widths)} × {bottom} pixels is too large; "
            f"at most {MOST_PIXELS:,} are drawn, so show fewer pictures, or make scale smaller"
        )
    return Plan((max(row_widths), bottom), tuple(places), strip, lanes_y, lane)


def text_size(panel_height: int) -> int:
    """Pixels of a caption's letters beside a panel of this height."""
    smallest, largest = TEXT_LIMITS
    return min(max(round(panel_height * TEXT_SHARE), smallest), largest)


def strip_height(panel_height: int) -> int:
    """Pixels of the strip that holds a caption."""
    return round(text_size(panel_height) * STRIP_SHARE)


def color_of(text: str) -> Color:
    """A colour as presets have it, as (r, g, b), 0–255. Raises PresetError."""
    try:
        digits = read_color(text)[1:]
    except ValueError as error:
        raise PresetError(f"panels: {error}") from None
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
