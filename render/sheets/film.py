"""A contact sheet of a finished film: frames with their times, row by row, under what the file is."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image

from render.console import size_text
from render.encoding.viewing import View, view
from render.errors import PresetError
from render.pen import Pen
from render.pixels import resized
from render.report import seconds_text
from render.timeline import rate_text

from .look import (
    BRIGHT,
    GROUND,
    HEADER,
    LARGE,
    MARGIN,
    MEDIUM,
    MUTED,
    SMALL,
    STAMP,
    TALLEST_THUMB,
    TEXT,
    WIDEST,
)
from .page import NOTE_GAP

GAP = 8
NARROWEST_ROW = 480  # pixels: the words above have room
WIDE = 1.6  # the shape that a sheet comes near to, unless columns are asked for


def draw_film_sheet(film: str | Path, count: int = 12, columns: int | None = None) -> Image.Image:
    """Frames of a film, or of a folder of numbered pictures, as one picture at most 2400 pixels wide.

    count    frames shown, evenly from the first to the last
    columns  frames side by side; by default as many as give the sheet a pleasant shape

    Raises PresetError: fewer than one is asked for; EncodingError: it is no film.
    """
    for name, number in (("frames", count), ("columns", columns)):
        if number is not None and number < 1:
            raise PresetError(f"a sheet has at least one of its {name}, not {number}")
    film = Path(film)
    found = view(film, count)
    columns = min(columns or _columns(len(found.frames), found.size), len(found.frames))
    width, height = _thumb(found.size, columns)
    left = MARGIN + max(0, (NARROWEST_ROW - _row(columns, width)) // 2)
    step = height + STAMP
    pen = Pen(
        2 * MARGIN + max(_row(columns, width), NARROWEST_ROW),
        MARGIN + HEADER + math.ceil(len(found.frames) / columns) * step + MARGIN // 2,
        GROUND,
    )
    _draw_header(pen, film, found)
    places = [
        (left + number % columns * (width + GAP), MARGIN + HEADER + number // columns * step)
        for number in range(len(found.frames))
    ]
    for (x, y), index in zip(places, found.indices, strict=True):
        pen.text(x + width / 2, y + height + STAMP * 0.4, _stamp(index, found), SMALL, TEXT, "mm", width)
    sheet = pen.finished()
    for (x, y), frame in zip(places, found.frames, strict=True):
        sheet.paste(Image.fromarray(resized(np.ascontiguousarray(frame), (width, height))), (x, y))
    return sheet


def _columns(count: int, size: tuple[int, int]) -> int:
    """How many frames side by side make a sheet of a pleasant shape, with as few gaps as can be."""
    width, height = size

    def cost(columns: int) -> float:
        rows = math.ceil(count / columns)
        shape = math.log((columns * width) / (rows * height) / WIDE)
        return abs(shape) + 2 * (rows * columns - count) / count

    return min(range(1, count + 1), key=cost)


def _thumb(size: tuple[int, int], columns: int) -> tuple[int, int]:
    """Width and height of a frame on the sheet: as in the film, if there is room."""
    room = (WIDEST - 2 * MARGIN + GAP) // columns - GAP
    scale = min(1, room / size[0], TALLEST_THUMB / size[1])
    return tuple(max(1, round(side * scale)) for side in size)


def _row(columns: int, width: int) -> int:
    return columns * (width + GAP) - GAP


def _stamp(index: int, found: View) -> str:
    return seconds_text(index / found.fps) if found.fps else str(index)


def _draw_header(pen: Pen, film: Path, found: View) -> None:
    files = list(film.glob("*.png")) if film.is_dir() else [film]
    facts = [f"{found.size[0]} × {found.size[1]}", f"{found.frame_count} frames"]
    if found.fps:
        facts += [f"{rate_text(found.fps)} fps", seconds_text(found.frame_count / found.fps)]
    facts.append(size_text(sum(file.stat().st_size for file in files)))
    y, end = MARGIN + LARGE / 2, pen.width - MARGIN
    taken = pen.text(end, y, ",  ".join(facts), MEDIUM, MUTED, "rm", (end - MARGIN) * 0.75)
    pen.text(MARGIN, y, film.name, LARGE, BRIGHT, room=end - MARGIN - taken - NOTE_GAP)
