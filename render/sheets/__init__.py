"""A preset or a film as one picture: frames over curves on one axis of time, or frames row by row."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from render.encoding import is_film
from render.errors import PresetError
from render.picture_files import picture_file
from render.preset import Preset
from render.renderer import pick_device
from render.scene import Scene

from .film import draw_film_sheet
from .page import draw_sheet
from .plan import Plan, frame_indices
from .scales import layer_ticks, number_ticks, tick_text, time_ticks

__all__ = [
    "Plan",
    "draw_film_sheet",
    "draw_sheet",
    "frame_indices",
    "layer_ticks",
    "number_ticks",
    "save_sheet",
    "sheet",
    "tick_text",
    "time_ticks",
]

if TYPE_CHECKING:
    from PIL import Image


def sheet(
    source: Preset | str | Path,
    count: int | None = None,
    columns: int | None = None,
    device: str | None = None,
) -> Image.Image:
    """One picture of a preset (or of the file of one), or of a finished film, which a notebook shows.

    Of a preset: frames over the curves of everything that moves. Of a film: frames with their times.

    source   a preset, its file, a film, or a folder of numbered pictures
    count    frames shown; by default 8 of a preset, 12 of a film
    columns  frames of a film side by side
    device   cuda, mps or cpu, to draw a preset; by default the best there is

    Raises PresetError, CheckpointError, BlendError, RenderError or, of a film, EncodingError.
    """
    if isinstance(source, str | PathLike) and is_film(source):
        return draw_film_sheet(source, 12 if count is None else count, columns)
    if columns is not None:
        raise PresetError("columns are for films; the frames of a preset stand in one row, over its curves")
    preset = source if isinstance(source, Preset) else Preset.load(source)
    return draw_sheet(Scene.open(preset, pick_device(device)), 8 if count is None else count)


def save_sheet(
    source: Preset | str | Path,
    path: str | Path,
    count: int | None = None,
    columns: int | None = None,
    device: str | None = None,
) -> Path:
    """Write the picture that `sheet` gives (PNG, or what the extension says) and return the file's path.

    Raises EncodingError where the file cannot be written, and whatever `sheet` raises.
    """
    with picture_file(path) as write:
        write(sheet(source, count, columns, device))
    return Path(path)
