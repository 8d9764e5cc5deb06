"""`blendreel render` and `preview`: a preset's films."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from render.commands.options import (
    batch_option,
    device_option,
    folder_option,
    offline_option,
    precision_option,
    preset_argument,
    private_option,
    quiet_option,
    sandbox_option,
    set_option,
)
from render.commands.segment_options import is_default, manner_of, segment_options, share_of, share_options
from render.commands.steps import announce, fetch_models, load_preset, pointing, warn_of_models
from render.errors import BlendreelWarning
from render.reach import default_folder

if TYPE_CHECKING:
    from render.production import Manner

PREVIEW_FPS, PREVIEW_SIZE = 12, 128


@click.command()
@preset_argument
@set_option
@click.option(
    "--out",
    "-o",
    "files",
    multiple=True,
    help="Write this file instead of the preset's outputs, with the settings of the one of that name, else "
    "of the first one of that extension.",
)
@folder_option
@device_option
@batch_option
@click.option(
    "--again", is_flag=True, help="PRESET is a film: make it once more, from what it says of itself."
)
@precision_option
@private_option
@segment_options
@share_options
@offline_option
@sandbox_option
@quiet_option
def render(
    preset: str,
    overrides: tuple[str, ...],
    files: tuple[str, ...],
    out_dir: Path | None,
    again: bool,
    precision: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Render PRESET to the files it names.

    A film of more than one segment keeps finished segments beside it until it is whole: after an
    interruption the same command goes on with them. Ctrl-C finishes a segment first; twice, it stops at once.

    \b
    blendreel render hello                            a preset that comes with the project
    blendreel render morph.yaml -o morph.webm         another file
    blendreel render morph.mp4 --again -o copy.mp4    the same film, from the film itself
    """
    overrides += (f"precision={precision}",) if precision else ()
    if again:
        from render.production import Retake, remake

        if quiet:
            warnings.simplefilter("ignore", BlendreelWarning)
        retake = Retake.of(preset, overrides)
        loaded = retake.preset
    else:
        loaded = load_preset(preset, quiet, overrides)
    fetch_models(loaded, quiet)
    if not again:
        warn_of_models(loaded, quiet)
    from render import production

    with pointing(loaded), manner_of("rendering", quiet) as manner:
        options |= {"share": share_of(options)}
        is_alone = options["share"].is_alone  # others share the processors on purpose
        options["manner"] = replace(manner, begins=lambda: give_way(manner)) if is_alone else manner
        if again:
            if is_default("segment_frames"):
                del options["segment_frames"]
            paths = remake(retake, *files, out_dir=out_dir, **options)
        else:
            paths = production.render(loaded, *files, out_dir=out_dir or default_folder(), **options)
    announce(paths, quiet)


def give_way(manner: Manner) -> None:
    """Count as rendering until the command ends; where another render does already, give way to it."""
    from render.processors import shared_processors

    click.get_current_context().with_resource(shared_processors(manner.tell))


@click.command()
@preset_argument
@set_option
@click.option("--out", "-o", "file", help="Name of the preview.  [default: PRESET-preview.mp4]")
@click.option(
    "--size", type=click.IntRange(min=8), default=PREVIEW_SIZE, show_default=True, help="Pixels a picture."
)
@folder_option
@private_option
@device_option
@offline_option
@sandbox_option
@quiet_option
def preview(
    preset: str,
    overrides: tuple[str, ...],
    file: str | None,
    size: int,
    out_dir: Path | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Render PRESET small and quick, to see its motion."""
    from render.console import progress

    loaded = load_preset(preset, quiet, overrides)
    fetch_models(loaded, quiet)
    warn_of_models(loaded, quiet)
    output = {"file": file or f"{Path(preset).stem}-preview.mp4", "fps": min(loaded.clip.fps, PREVIEW_FPS)}
    from render import production

    with pointing(loaded), progress("preview", quiet) as show:
        paths = production.render(
            loaded.replace(outputs=(output,)),
            out_dir=out_dir or default_folder(),
            resolution=size,
            progress=show,
            **options,
        )
    announce(paths, quiet)
