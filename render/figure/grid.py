"""Grids: a preset drawn for every pair of values in two of its places, with one latent for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import islice, product
from pathlib import Path

import numpy as np

from render.deepzoom import pyramid_in, zoom_folder
from render.encoding import open_writer
from render.errors import PresetError
from render.figure.axes import TIME, Axis
from render.figure.layout import GridLayout
from render.figure.png import PngWriter
from render.figure.zoom_page import write_page
from render.preset import Panels, Preset
from render.renderer import pick_device
from render.variants import Company, Variant, frame_at, with_values

BLOCK_BYTES = 96 * 2**20  # cells drawn before they are written: those of one blend share batches
FILM_FPS = 4
START = "0s"

Progress = Callable[[int, int], None]  # cells done, cells in all


@dataclass(frozen=True)
class Grid:
    """What is drawn: the preset with other values in up to three of its places.

    x, y, z  the columns, the rows and the frames of a film
    at       the moment that is shown, as presets write times; the first frame by default

    Raises PresetError for axes that exclude each other.
    """

    preset: Preset
    x: Axis
    y: Axis | None = None
    z: Axis | None = None
    at: str = START

    def __post_init__(self) -> None:
        places = [axis.place for axis in self.axes]
        doubled = next((place for place in places if places.count(place) > 1), None)
        if doubled:
            raise PresetError(f"two axes are {doubled}; each axis needs a place of its own")
        if TIME in places and self.at != START:
            raise PresetError(f"an axis is {TIME}, which says the moment; leave {self.at} out")

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Frames, rows and columns, as far as there are any: the order in which cells are drawn."""
        return tuple(axis for axis in (self.z, self.y, self.x) if axis)

    @cached_property
    def variants(self) -> list[Variant]:
        """Every cell: frame by frame, row by row, column by column. Raises PresetError."""
        shows_panels = any(axis.place.startswith("panels") for axis in self.axes)
        preset = self.preset if shows_panels else self.preset.replace(panels=Panels())
        return [self._variant(preset, numbers) for numbers in product(*(range(len(a)) for a in self.axes))]

    def _variant(self, preset: Preset, numbers: tuple[int, ...]) -> Variant:
        chosen = list(zip(self.axes, numbers, strict=True))
        values = {axis.place: axis.values[number] for axis, number in chosen}
        has_own_time, time = TIME in values, values.pop(TIME, self.at)
        try:
            cell = with_values(preset, values)
            return Variant(cell, frame_at(cell.clock, time))
        except PresetError as error:
            if not has_own_time and str(error).startswith(f"{time}"):
                raise PresetError(f"--at {error}") from None
            raise PresetError(self._told(str(error), chosen)) from None

    def _told(self, text: str, chosen: list[tuple[Axis, int]]) -> str:
        """A mistake with the option that brought it, or with all of them where its place is another's."""
        letters = {id(axis): letter for letter in "xyz" if (axis := getattr(self, letter))}
        words = [
            (axis.place, f"--{letters[id(axis)]} {axis.place}={axis.labels[number]}")
            for axis, number in reversed(chosen)
        ]
        own = next(((place, word) for place, word in words if text.startswith(f"{place}: ")), None)
        if own:
            return f"{own[1]}: {text.removeprefix(f'{own[0]}: ')}"
        return f"{', '.join(word for _, word in words)}: {text}"


def save_grid(
    grid: Grid,
    *,
    out: str | Path | None = None,
    zoom: str | Path | None = None,
    film: str | Path | None = None,
    fps: Fraction | int | str = FILM_FPS,
    device: str | None = None,
    batch_size: int | None = None,
    size: int | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Draw a grid to a PNG (`out`), a folder with a page to zoom in (`zoom`), or a GIF or video (`film`).

    fps         frames of the film a second, each a value of z
    size        pixels of a cell at most: networks draw smaller pictures, as for a preview
    batch_size  pictures drawn at once
    progress    called with (cells done, cells in all)

    Nothing half-written is left behind. Raises PresetError, CheckpointError, BlendError, RenderError or
    EncodingError.
    """
    if bool(grid.z) != bool(film):
        raise PresetError("a film and its axis z belong together; give both or neither")
    if film and (out or zoom):
        raise PresetError("a grid with an axis z is a film; pictures and pages have no room for z")
    company = Company(grid.variants, pick_device(device), batch_size, size)
    cell = company.renderer(grid.variants[0].preset).frame_size
    layout = GridLayout(cell, grid.x, grid.y, note=bool(film))
    rows = _rows(grid, company, cell, progress)
    if film:
        _write_film(Path(film), grid, layout, rows, fps)
    else:
        _write_pictures(layout, rows, out, zoom)
    return [Path(path) for path in (out, zoom and Path(zoom) / "index.html", film) if path]


def _rows(
    grid: Grid, company: Company, cell: tuple[int, int], progress: Progress | None
) -> Iterator[list[np.ndarray]]:
    """The cells' pictures, row by row; drawn in blocks of rows."""
    columns, total = len(grid.x), len(grid.variants)
    rows_at_once = max(1, BLOCK_BYTES // (columns * cell[0] * cell[1] * 3))
    for start in range(0, total, rows_at_once * columns):
        block = grid.variants[start : start + rows_at_once * columns]

        def show(done: int, start: int = start) -> None:
            if progress:
                progress(start + done, total)

        _, frames = company.draw(block, show)
        for first in range(0, len(frames), columns):
            yield frames[first : first + columns]


def _bands(layout: GridLayout, rows: Iterator[list[np.ndarray]]) -> Iterator[np.ndarray]:
    """The bands of one sheet's rows."""
    for number, frames in enumerate(islice(rows, layout.row_count), start=1):
        yield layout.row_band(frames, is_last=number == layout.row_count)


def _write_pictures(
    layout: GridLayout,
    rows: Iterator[list[np.ndarray]],
    out: str | Path | None,
    zoom: str | Path | None,
) -> None:
    with ExitStack() as stack:
        bands = _bands(layout, rows)
        pyramid = None
        if zoom:
            folder = stack.enter_context(zoom_folder(zoom))
            pyramid = pyramid_in(folder, *layout.inner)
            bands = _also(bands, pyramid.write)
        if out:
            writer = stack.enter_context(PngWriter(out, *layout.size))
            for band in layout.sheet_bands(bands):
                writer.write(band)
        else:
            for _ in bands:
                pass
        if pyramid:
            pyramid.finish()
            write_page(folder, layout)


def _also(bands: Iterator[np.ndarray], write: Callable[[np.ndarray], None]) -> Iterator[np.ndarray]:
    """The same bands, each written on its way."""
    for band in bands:
        write(band)
        yield band


def _write_film(
    path: Path, grid: Grid, layout: GridLayout, rows: Iterator[list[np.ndarray]], fps: Fraction | int | str
) -> None:
    width, height = layout.size
    with open_writer(path, width=width, height=height, fps=fps) as writer:
        for label in grid.z.labels:
            bands = layout.sheet_bands(_bands(layout, rows), f"{grid.z.place} {label}")
            writer.write(np.concatenate(list(bands)))
