"""The report as one tall picture, for places that show no pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch

import numpy as np
from PIL import Image

from render.comparison import BRIGHT, GROUND, HUES, LARGE, MARGIN, MEDIUM, MUTED, SMALL, TEXT, WIDTH
from render.explain.sections import Chart, Report, Sheet, Table, Trial
from render.panels import Color, contact_sheet
from render.pen import Pen, text_width

INNER = WIDTH - 2 * MARGIN
MEASURE = 900  # pixels of the longest line of text: longer ones are hard to read
LEADING = 1.45  # distance of lines, in heights of letters
GAP, SECTION_GAP = 12, 44
TALLEST_CELL, TRIAL_CELL = 192, 132
ROW_LABELS = 110  # pixels that labels of rows take, about


def draw_poster(report: Report) -> Image.Image:
    """The whole report, dark, WIDTH pixels wide."""
    blocks = list(_blocks(report))
    height = MARGIN + sum(block.height + gap for block, gap in blocks) + MARGIN
    poster, y = Image.new("RGB", (WIDTH, height), GROUND), MARGIN
    for block, gap in blocks:
        y += gap
        poster.paste(block, (0 if block.width == WIDTH else MARGIN, y))
        y += block.height
    return poster


def _blocks(report: Report) -> Iterator[tuple[Image.Image, int]]:
    """Pictures from the top, each with the room above it."""
    a, b = report.names
    yield _text(f"From {a} to {b}: what fine-tuning did", LARGE + 6, BRIGHT), 0
    for sentence in report.summary:
        yield _text(sentence, MEDIUM, TEXT), GAP
    for section in report.sections:
        yield _text(section.title, LARGE, BRIGHT), SECTION_GAP
        yield _text(section.reading.replace("`", ""), SMALL, MUTED), GAP // 2
        for part in section.parts:
            yield from _part(part)
    yield _text(report.measured, SMALL, MUTED), SECTION_GAP


@singledispatch
def _part(part: object) -> Iterator[tuple[Image.Image, int]]:
    raise TypeError(f"no way to draw {type(part).__name__}")


@_part.register
def _chart(part: Chart) -> Iterator[tuple[Image.Image, int]]:
    yield part.picture, GAP


@_part.register
def _sheet(part: Sheet) -> Iterator[tuple[Image.Image, int]]:
    tall, wide = part.pictures[0][0].shape[:2]
    room = (INNER - ROW_LABELS) / len(part.columns) - GAP
    height = max(16, min(TALLEST_CELL, round(room * tall / wide)))
    labels = [f"try {label}" if at in part.marks else label for at, label in enumerate(part.columns)]
    drawn = contact_sheet(part.pictures, part.rows, labels, cell_height=height, margin=0)
    yield _fitted(drawn), GAP


@_part.register
def _trial(part: Trial) -> Iterator[tuple[Image.Image, int]]:
    yield _text(part.setting, MEDIUM, HUES[0]), 2 * GAP
    yield _text(part.reason, SMALL, TEXT), 0
    yield _fitted(contact_sheet([part.pictures], cell_height=TRIAL_CELL, margin=0)), GAP // 2


@_part.register
def _table(part: Table) -> Iterator[tuple[Image.Image, int]]:
    line, columns = round(SMALL * LEADING), len(part.rows[0])
    pen = Pen(INNER, line * len(part.rows), GROUND)
    for index, row in enumerate(part.rows):
        color, y = TEXT if index else MUTED, (index + 0.5) * line
        pen.text(0, y, row[0], SMALL, color)
        for column, cell in enumerate(row[1:], 2):
            pen.text(INNER * column / columns, y, cell, SMALL, color, "rm", INNER / columns - GAP)
    yield pen.finished(), GAP


def _fitted(sheet: np.ndarray) -> Image.Image:
    """A sheet, smaller if it is too wide."""
    picture = Image.fromarray(sheet)
    if picture.width <= INNER:
        return picture
    return picture.resize((INNER, round(picture.height * INNER / picture.width)), Image.Resampling.LANCZOS)


def _text(text: str, size: int, color: Color) -> Image.Image:
    """A paragraph."""
    lines = list(wrapped(text.split(), size))
    pen = Pen(INNER, round(len(lines) * size * LEADING), GROUND)
    for index, line in enumerate(lines):
        pen.text(0, (index + 0.5) * size * LEADING, line, size, color, room=INNER)
    return pen.finished()


def wrapped(words: Sequence[str], size: int) -> Iterator[str]:
    """Lines of at most MEASURE pixels, where no single word is longer."""
    line = ""
    for word in words:
        longer = f"{line} {word}" if line else word
        if line and text_width(longer, size) > MEASURE:
            yield line
            longer = word
        line = longer
    yield line
