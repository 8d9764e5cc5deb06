"""Where the cells of a grid stand, and the words around them; a grid is put together in bands of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from render.figure.axes import Axis
from render.panels import DARK, caption, color_of, strip_height, text_size
from render.pen import text_width
from render.pixels import resized

GAP, MARGIN = 6, 16
WIDEST_LABELS = 1 / 2  # of the width of all cells: no label of a row takes more
GROUND = color_of(DARK)


@dataclass(frozen=True)
class GridLayout:
    """The geometry of a sheet, all in pixels.

    cell          width and height of a cell
    columns, rows the axes; without rows the sheet has one row and no words at its left
    note          room for one line beneath, such as the value of a third axis
    """

    cell: tuple[int, int]
    columns: Axis
    rows: Axis | None = None
    note: bool = False

    @property
    def row_count(self) -> int:
        return len(self.rows) if self.rows else 1

    @property
    def letters(self) -> int:
        """Height of the labels' letters."""
        return text_size(self.cell[1])

    @property
    def strip(self) -> int:
        """Height of a line of words."""
        return strip_height(self.cell[1])

    @property
    def inner(self) -> tuple[int, int]:
        """Width and height of the cells with the gaps between them."""
        width, height = self.cell
        return len(self.columns) * (width + GAP) - GAP, self.row_count * (height + GAP) - GAP

    @property
    def label_width(self) -> int:
        """Width of the column of row labels."""
        if not self.rows:
            return 0
        widest = max(text_width(label, self.letters) for label in self.rows.labels)
        return min(round(widest) + 2 * self.letters, max(64, round(self.inner[0] * WIDEST_LABELS)))

    @property
    def left(self) -> int:
        return MARGIN + (self.strip + self.label_width if self.rows else 0)

    @property
    def top(self) -> int:
        return MARGIN // 2 + 2 * self.strip

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the sheet."""
        note = self.strip if self.note else 0
        return self.left + self.inner[0] + MARGIN, self.top + self.inner[1] + max(MARGIN, note + MARGIN // 2)

    def header(self) -> np.ndarray:
        """Everything above the cells, [top, W, 3]: the name of the columns' place, and its values."""
        band = _ground(self.size[0], self.top)
        y = MARGIN // 2
        title = caption(self.columns.place, (self.inner[0], self.strip), GROUND, self.letters)
        band[y : y + self.strip, self.left : self.left + self.inner[0]] = title
        width, y = self.cell[0], y + self.strip
        for column, label in enumerate(self.columns.labels):
            x = self.left + column * (width + GAP)
            text = caption(label, (width, self.strip), GROUND, self.letters)
            band[y : y + self.strip, x : x + width] = text
        return band

    def gutter(self) -> np.ndarray:
        """Everything at the left of the cells, [H of the cells, left, 3]."""
        gutter = _ground(self.left, self.inner[1])
        if not self.rows:
            return gutter
        title = caption(self.rows.place, (self.inner[1], self.strip), GROUND, self.letters)
        gutter[:, MARGIN : MARGIN + self.strip] = np.rot90(title)
        height, x = self.cell[1], MARGIN + self.strip
        for row, label in enumerate(self.rows.labels):
            y = row * (height + GAP)
            text = caption(label, (self.label_width, height), GROUND, self.letters, "right")
            gutter[y : y + height, x : x + self.label_width] = text
        return gutter

    def footer(self, note: str = "") -> np.ndarray:
        """Everything beneath the cells, with the note."""
        band = _ground(self.size[0], self.size[1] - self.top - self.inner[1])
        if self.note:
            text = caption(note, (self.inner[0], self.strip), GROUND, self.letters)
            band[: self.strip, self.left : self.left + self.inner[0]] = text
        return band

    def row_band(self, frames: list[np.ndarray], is_last: bool) -> np.ndarray:
        """A row of cells with the gap beneath it, [h, width of the cells, 3]; the last row has no gap."""
        width, height = self.cell
        band = _ground(self.inner[0], height + (0 if is_last else GAP))
        for column, frame in enumerate(frames):
            x = column * (width + GAP)
            band[:height, x : x + width] = resized(frame, self.cell)
        return band

    def sheet_bands(self, bands: Iterator[np.ndarray], note: str = "") -> Iterator[np.ndarray]:
        """The whole sheet from the top, band by band, around the bands of its rows."""
        yield self.header()
        gutter, y = self.gutter(), 0
        right = self.size[0] - self.left - self.inner[0]
        for band in bands:
            side = gutter[y : y + len(band)]
            yield np.concatenate([side, band, _ground(right, len(band))], axis=1)
            y += len(band)
        yield self.footer(note)


def _ground(width: int, height: int) -> np.ndarray:
    band = np.empty((height, width, 3), np.uint8)
    band[:] = GROUND
    return band
