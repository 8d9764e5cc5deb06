"""`blendreel sheet`: a preset, or a finished film, as one picture."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from render.commands.options import (
    device_option,
    offline_option,
    preset_argument,
    quiet_option,
    sandbox_option,
    set_option,
)
from render.commands.steps import announce, fetch_models, load_preset, pointing
from render.reach import default_folder, placed


@click.command()
@preset_argument
@set_option
@click.option("--out", "-o", "file", type=click.Path(path_type=Path), help="[default: PRESET-sheet.png]")
@click.option(
    "--frames", "count", type=click.IntRange(2, 40), help="Frames shown.  [default: 8; of a film 12]"
)
@click.option("--columns", type=click.IntRange(1, 40), help="Frames of a film side by side.")
@device_option
@offline_option
@sandbox_option
@quiet_option
def sheet(
    preset: str,
    overrides: tuple[str, ...],
    file: Path | None,
    count: int | None,
    columns: int | None,
    device: str | None,
    quiet: bool,
) -> None:
    """Draw PRESET as one picture: frames over all curves.

    \b
    blendreel sheet hello                                a preset
    blendreel sheet morph.mp4                            a finished film: frames with their times
    blendreel sheet morph.mp4 --frames 8 --columns 8     …in one row
    """
    from render.encoding import is_film

    path = placed(Path(), file or default_folder() / f"{Path(preset).stem}-sheet.png")
    source = preset
    if not is_film(preset):
        source = load_preset(preset, quiet, overrides)
        fetch_models(source, quiet)
    from render.sheets import save_sheet

    with nullcontext() if source is preset else pointing(source):
        announce([save_sheet(source, path, count, columns, device)], quiet)
