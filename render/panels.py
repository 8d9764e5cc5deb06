"""Pictures side by side in one frame, captions beneath; contact sheets with labelled rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from render.errors import PresetError, RenderError
from render.layout import (
    DARK,
    STRIP_SHARE,
    Color,
    Layout,
    Size,
    color_of,
    layout_of,
    panel_label,
    plan_of,
    strip_height,
    text_size,
)
from render.lettering import font_of, readable, whole_letters
from render.pixels import resized, whole_levels

# What others take from here: how a frame is laid out, and how it is drawn.
__all__ = [
    "DARK",
    "Color",
    "Layout",
    "Size",
    "caption",
    "color_of",
    "compose",
    "contact_sheet",
    "cut_captions",
    "layout_of",
    "panel_label",
    "resized",
    "strip_height",
    "text_size",
]

SUPERSAMPLING = 4  # letters are drawn this much larger, then reduced: small ones keep their shape and spacing
INK = ((205, 205, 210), (52, 52, 58))  # text on a dark and on a light ground


def compose(
    pictures: Sequence[np.ndarray], layout: Layout, labels: Sequence[str] | None = None
) -> np.ndarray:
    """The pictures, each [H, W, 3] in sRGB, all uint8 or all uint16, as one frame [H', W', 3] of that kind.

    Of pictures with alpha, [H, W, 4], comes a frame [H', W', 4] without background.

    All panels get the height of the tallest picture, times the scale. labels: what the captions say just now,
    if not what the layout says. Room for curves is left free. Raises RenderError for pictures of another kind
    and PresetError where the layout asks for pictures or labels that are not there.
    """
    kind = "uint16" if pictures and pictures[0].dtype == np.uint16 else "uint8"
    bits = 8 * np.dtype(kind).itemsize
    channels = 4 if pictures and pictures[0].shape[2:] == (4,) else 3
    for number, picture in enumerate(pictures):
        if picture.dtype != kind or picture.ndim != 3 or picture.shape[2] != channels:
            found = f"{picture.dtype} {list(picture.shape)}"
            raise RenderError(f"panels: picture {number} is {found}; expected {kind} [H, W, {channels}]")
    sizes = tuple((picture.shape[1], picture.shape[0]) for picture in pictures)
    plan = plan_of(layout, sizes)
    labels = labels or layout.labels or ()
    frame = _ground(layout, sizes, bits, channels).copy()
    for place in plan.places:
        panel = resized(pictures[place.picture], (place.width, place.height), layout.filter)
        frame[place.y : place.y + place.height, place.x : place.x + place.width] = panel
        if plan.strip and labels[place.picture]:
            y = place.y + place.height + layout.border
            strip = caption(
                labels[place.picture],
                (place.width, plan.strip),
                color_of(layout.background),
                font=layout.font,
                transparent=channels == 4,
            )
            frame[y : y + plan.strip, place.x : place.x + place.width] = whole_levels(strip, bits)
    return frame


@lru_cache(maxsize=4)
def _ground(layout: Layout, sizes: tuple[Size, ...], bits: int, channels: int) -> np.ndarray:
    """The frame without pictures and words: background and borders, which stay the same for a whole clip.

    Of four channels there is no background: all of it is transparent.
    """
    plan = plan_of(layout, sizes)
    width, height = plan.size
    opaque = (255,) * (channels - 3)
    ground = np.zeros((height, width, channels), dtype=np.uint8)
    if channels == 3:
        ground[:] = color_of(layout.background)
    for place in plan.places if layout.border else ():
        x, y = place.x - layout.border, place.y - layout.border
        right, bottom = place.x + place.width + layout.border, place.y + place.height + layout.border
        ground[y:bottom, x:right] = (*color_of(layout.border_color), *opaque)
    return whole_levels(ground, bits)


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


def caption(
    text: str,
    size: Size,
    background: Color,
    letters: int | None = None,
    align: str = "center",
    font: str | None = None,
    transparent: bool = False,
) -> np.ndarray:
    """A label on its ground, uint8 [height, width, 3], read-only. A text too wide for it ends in "…".

    transparent: words that can be read on that ground, alone: uint8 [height, width, 4].

    letters: height of the letters in pixels; by default what the strip was made for. align: "center" or
    "right", the latter with room for the picture that follows. font: its file, if not the shipped one.
    """
    strip = Image.new("RGB", size, background)
    with whole_letters(font):
        corner, mask = _words(text, size, letters or round(size[1] / STRIP_SHARE), align, font)
    if transparent:
        words = np.zeros((size[1], size[0], 4), np.uint8)
        box = words[corner[1] : corner[1] + mask.height, corner[0] : corner[0] + mask.width]
        box[..., 3] = np.asarray(mask)[: box.shape[0], : box.shape[1]]
        box[..., :3] = np.where(box[..., 3:] > 0, _ink(background), 0)
        return words
    strip.paste(_ink(background), corner, mask)
    return np.asarray(strip)  # read-only, since it is Pillow's


@lru_cache(maxsize=1024)
def _words(
    text: str, size: Size, letters: int, align: str, file: str | None
) -> tuple[tuple[int, int], Image.Image]:
    """Where words begin on a strip, and how much of each pixel from there on they cover, 0–255.

    Only the box around them is drawn: words that change with every frame cost little.
    """
    width, height = (side * SUPERSAMPLING for side in size)
    letters *= SUPERSAMPLING
    x, anchor = (width / 2, "mm") if align == "center" else (width - 0.8 * letters, "rm")
    y = height / 2
    font = font_of(letters, file)
    shown = _shortened(readable(text, file), font, width - _margin(letters, align))
    left, top, right, bottom = font.getbbox(shown, anchor=anchor)
    left, top = int(x + left) // SUPERSAMPLING - 1, int(y + top) // SUPERSAMPLING - 1
    right, bottom = int(x + right) // SUPERSAMPLING + 2, int(y + bottom) // SUPERSAMPLING + 2
    # What a strange font draws beside the strip is not seen, and may be very large.
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, size[0]), min(bottom, size[1])
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    mask = Image.new("L", ((right - left) * SUPERSAMPLING, (bottom - top) * SUPERSAMPLING))
    corner = (x - left * SUPERSAMPLING, y - top * SUPERSAMPLING)
    ImageDraw.Draw(mask).text(corner, shown, fill=255, font=font, anchor=anchor)
    return (left, top), mask.reduce(SUPERSAMPLING)


def cut_captions(layout: Layout, sizes: Sequence[Size], captions: Sequence[str]) -> list[str]:
    """What captions will read that are too wide for their pictures, one line each.

    sizes  of the pictures: (width, height)
    """
    plan = plan_of(layout, tuple(sizes))
    letters, found = round(plan.strip / STRIP_SHARE) * SUPERSAMPLING, []
    with whole_letters(layout.font):
        for place in plan.places if plan.strip else ():
            words = readable(captions[place.picture], layout.font)
            room = place.width * SUPERSAMPLING - _margin(letters)
            if (shown := _shortened(words, font_of(letters, layout.font), room)) != words:
                text = f"has no room on {place.width} pixels, and will read '{shown}'"
                found.append(f"panels: the caption '{captions[place.picture]}' {text}")
    return list(dict.fromkeys(found))


def _margin(letters: int, align: str = "center") -> int:
    """Pixels of a strip that words leave free."""
    return letters if align == "right" else letters // 2


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
