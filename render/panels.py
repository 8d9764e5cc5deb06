"""Pictures side by side in one frame, captions beneath; contact sheets with labelled rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from render.errors import PresetError, RenderError
from render.lettering import font_of, readable
from render.preset.values import read_color

if TYPE_CHECKING:
    from render.preset import Panel, Preset

RESAMPLING = {"lanczos": Image.Resampling.LANCZOS, "nearest": Image.Resampling.NEAREST}
DARK = "#111114"
TEXT_SHARE = 1 / 16  # height of a caption's letters, of the panel's height …
TEXT_LIMITS = (11, 28)  # … but in pixels no less and no more than this
SUPERSAMPLING = 4  # letters are drawn this much larger, then reduced: small ones keep their shape and spacing
STRIP_SHARE = 2.0  # height of a caption's strip, of its letters' height
INK = ((205, 205, 210), (52, 52, 58))  # text on a dark and on a light ground

Size = tuple[int, int]  # width, height in pixels
Color = tuple[int, int, int]


@dataclass(frozen=True)
class Layout:
    """Where each picture stands in the frame.

    rows:       rows of picture numbers, top to bottom; empty: all in one row. A picture may occur twice
    gap:        pixels between panels
    background: a colour as presets have it: "#111114", black, white or gray
    scale:      factor on the pictures; captions grow with it
    labels:     a caption for each picture, drawn beneath it; "" for none, None for no captions at all
    """

    rows: tuple[tuple[int, ...], ...] = ()
    gap: int = 4
    background: str = DARK
    scale: float = 1
    labels: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        color_of(self.background)
        if self.gap < 0:
            raise PresetError(f"panels: gap is {self.gap}; it is a number of pixels, 0 or more")
        if not 0 < self.scale <= 64:
            raise PresetError(f"panels: scale is {self.scale}; it is a factor above 0, up to 64")
        if any(not row for row in self.rows):
            raise PresetError("panels: a row is empty; give each row at least one picture")

    def size(self, picture_sizes: Sequence[Size]) -> Size:
        """Width and height of the frame that `compose` makes from pictures of these (width, height)."""
        return _plan(self, tuple(picture_sizes)).size


def layout_of(preset: Preset) -> Layout:
    """The layout that a preset describes: its pictures are numbered row by row."""
    panels = preset.panels
    flat = [panel for row in panels.rows for panel in row]
    numbers = iter(range(len(flat)))
    labels = tuple(panel_label(preset, panel) if panels.is_labelled(panel) else "" for panel in flat)
    return Layout(
        rows=tuple(tuple(next(numbers) for _ in row) for row in panels.rows),
        gap=panels.gap,
        background=panels.background,
        scale=panels.scale,
        labels=labels if any(labels) else None,
    )


def panel_label(preset: Preset, panel: Panel) -> str:
    """The words under a picture: its own, or the name of the model it shows."""
    return panel.label or preset.mix.names().get(panel.show, panel.show)


@dataclass(frozen=True)
class _Place:
    picture: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class _Plan:
    size: Size
    places: tuple[_Place, ...]
    strip: int  # height of the captions' strips


def compose(pictures: Sequence[np.ndarray], layout: Layout) -> np.ndarray:
    """The pictures, each uint8 [H, W, 3] in sRGB, as one frame uint8 [H', W', 3].

    All panels get the height of the tallest picture, times the scale. Raises RenderError for pictures
    of another kind and PresetError where the layout asks for pictures or labels that are not there.
    """
    for number, picture in enumerate(pictures):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise RenderError(
                f"panels: picture {number} is {picture.dtype} {list(picture.shape)}; expected uint8 [H, W, 3]"
            )
    sizes = tuple((picture.shape[1], picture.shape[0]) for picture in pictures)
    frame = _ground(layout, sizes).copy()
    for place in _plan(layout, sizes).places:
        panel = resized(pictures[place.picture], (place.width, place.height))
        frame[place.y : place.y + place.height, place.x : place.x + place.width] = panel
    return frame


@lru_cache(maxsize=4)
def _ground(layout: Layout, sizes: tuple[Size, ...]) -> np.ndarray:
    """The frame without its pictures: background and captions, which stay the same for a whole clip."""
    plan = _plan(layout, sizes)
    width, height = plan.size
    background = color_of(layout.background)
    ground = np.empty((height, width, 3), dtype=np.uint8)
    ground[:] = background
    for place in plan.places if plan.strip else ():
        y = place.y + place.height
        strip = caption(layout.labels[place.picture], (place.width, plan.strip), background)
        ground[y : y + plan.strip, place.x : place.x + place.width] = strip
    return ground


@lru_cache(maxsize=64)
def _plan(layout: Layout, sizes: tuple[Size, ...]) -> _Plan:
    """Every panel's place; depends on the pictures' sizes alone."""
    if not sizes:
        raise PresetError("panels: there is no picture to place")
    rows = layout.rows or (tuple(range(len(sizes))),)
    for number in (number for row in rows for number in row):
        if not 0 <= number < len(sizes):
            raise PresetError(f"panels: there is no picture {number}; they count from 0 to {len(sizes) - 1}")
    if layout.labels is not None and len(layout.labels) != len(sizes):
        raise PresetError(f"panels: {len(layout.labels)} labels for {len(sizes)} pictures; give one each")
    height = max(1, round(max(height for _, height in sizes) * layout.scale))
    widths = [max(1, round(size[0] * height / size[1])) for size in sizes]
    strip = strip_height(height) if layout.labels and any(layout.labels) else 0
    row_widths = [sum(widths[number] for number in row) + layout.gap * (len(row) - 1) for row in rows]
    places = []
    for row_index, row in enumerate(rows):
        # A strip already sets a row off from the next one, but only the gap keeps a caption with its picture.
        y = row_index * (height + strip + layout.gap)
        x = (max(row_widths) - row_widths[row_index]) // 2
        for number in row:
            places.append(_Place(number, x, y, widths[number], height))
            x += widths[number] + layout.gap
    total = len(rows) * (height + strip + layout.gap) - layout.gap
    return _Plan((max(row_widths), total), tuple(places), strip)


def contact_sheet(
    rows: Sequence[Sequence[np.ndarray | None]],
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
    *,
    cell_height: int | None = None,
    gap: int = 6,
    margin: int = 16,
    background: str = DARK,
    resample: str = "lanczos",
) -> np.ndarray:
    """A grid of pictures uint8 [H, W, 3], rows labelled at the left, columns above: uint8 [H', W', 3].

    None leaves a cell empty, and a short row ends early. Every picture is fitted into a cell of the largest
    one's size, or of `cell_height` with that shape. Raises PresetError where the labels do not fit the grid.
    """
    columns = max((len(row) for row in rows), default=0)
    pictures = [picture for row in rows for picture in row if picture is not None]
    if not pictures:
        raise PresetError("contact sheet: there is no picture to show")
    _check_labels("row", row_labels, len(rows))
    _check_labels("column", column_labels, columns)
    tall, wide = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    height = cell_height or tall
    width = max(1, round(wide * height / tall))
    ground, letters = color_of(background), text_size(height)
    left = margin + (_label_width(row_labels, letters) if row_labels else 0)
    above = margin // 2 if column_labels else margin
    top = above + (strip_height(height) if column_labels else 0)
    bottom, right = top + len(rows) * (height + gap) - gap, left + columns * (width + gap) - gap
    sheet = np.empty((bottom + margin, right + margin, 3), dtype=np.uint8)
    sheet[:] = ground
    for column, text in enumerate(column_labels or ()):
        x = left + column * (width + gap)
        sheet[above:top, x : x + width] = caption(text, (width, top - above), ground, letters)
    for index, row in enumerate(rows):
        y = top + index * (height + gap)
        if row_labels:
            strip = caption(row_labels[index], (left - margin, height), ground, letters, "right")
            sheet[y : y + height, margin:left] = strip
        for column, picture in enumerate(row):
            if picture is not None:
                _fit(sheet, picture, (left + column * (width + gap), y, width, height), resample)
    return sheet


def _check_labels(name: str, labels: Sequence[str] | None, count: int) -> None:
    if labels is not None and len(labels) != count:
        raise PresetError(f"contact sheet: {len(labels)} {name} labels for {count} {name}s; give one each")


def _fit(sheet: np.ndarray, picture: np.ndarray, cell: tuple[int, int, int, int], resample: str) -> None:
    """Draw a picture into the middle of a cell (x, y, width, height), as large as it goes."""
    x, y, width, height = cell
    factor = min(width / picture.shape[1], height / picture.shape[0])
    w, h = max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor))
    x, y = x + (width - w) // 2, y + (height - h) // 2
    sheet[y : y + h, x : x + w] = resized(picture, (w, h), resample)


def resized(picture: np.ndarray, size: Size, resample: str = "lanczos") -> np.ndarray:
    """A picture uint8 [H, W, 3] at (width, height); the same array where it has that size already."""
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    return np.asarray(Image.fromarray(picture).resize(size, RESAMPLING[resample]))


def text_size(panel_height: int) -> int:
    """Pixels of a caption's letters beside a panel of this height."""
    smallest, largest = TEXT_LIMITS
    return min(max(round(panel_height * TEXT_SHARE), smallest), largest)


def strip_height(panel_height: int) -> int:
    """Pixels of the strip that holds a caption."""
    return round(text_size(panel_height) * STRIP_SHARE)


@lru_cache(maxsize=512)
def caption(
    text: str, size: Size, background: Color, letters: int | None = None, align: str = "center"
) -> np.ndarray:
    """A label on its ground, uint8 [height, width, 3], read-only. A text too wide for it ends in "…".

    letters: height of the letters in pixels; by default what the strip was made for. align: "center" or
    "right", the latter with room for the picture that follows.
    """
    width, height = (side * SUPERSAMPLING for side in size)
    letters = (letters or round(size[1] / STRIP_SHARE)) * SUPERSAMPLING
    image = Image.new("RGB", (width, height), background)
    x, anchor = (width / 2, "mm") if align == "center" else (width - 0.8 * letters, "rm")
    font = font_of(letters)
    shown = _shortened(readable(text), font, width - (letters if align == "right" else letters // 2))
    ImageDraw.Draw(image).text((x, height / 2), shown, fill=_ink(background), font=font, anchor=anchor)
    return np.asarray(image.resize(size, Image.Resampling.BOX))  # read-only, since it is Pillow's


def _shortened(text: str, font: ImageFont.FreeTypeFont, room: float) -> str:
    """The text, or as much of its beginning as fits with a "…"."""
    if font.getlength(text) <= room:
        return text
    fitting = [text[:end].rstrip() + "…" for end in range(1, len(text))]
    return next((short for short in reversed(fitting) if font.getlength(short) <= room), "")


def _label_width(labels: Sequence[str], letters: int) -> int:
    """Pixels for a column of row labels, with the room around them."""
    font = font_of(letters * SUPERSAMPLING)
    return round(max(font.getlength(readable(text)) for text in labels) / SUPERSAMPLING) + 2 * letters


def _ink(background: Color) -> Color:
    """A text colour that can be read on this ground."""
    r, g, b = background
    return INK[0.299 * r + 0.587 * g + 0.114 * b > 128]


def color_of(text: str) -> Color:
    """A colour as presets have it, as (r, g, b), 0–255. Raises PresetError."""
    try:
        digits = read_color(text)[1:]
    except ValueError as error:
        raise PresetError(f"panels: {error}") from None
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
