"""`blendreel grid` and `blendreel pairs`: a preset as a figure, and as a data set."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click

from render.commands.options import (
    batch_option,
    device_option,
    offline_option,
    preset_argument,
    quiet_option,
    sandbox_option,
    set_option,
)
from render.commands.steps import announce, fetch_models, load_preset
from render.reach import default_folder, placed

at_option = click.option(
    "--at",
    default="0s",
    metavar="TIME",
    show_default=True,
    help="The moment that is drawn, such as 2s or 50%.",
)
size_option = click.option(
    "--size", type=click.IntRange(min=8), metavar="N", help="Draw smaller pictures, of at most N pixels."
)


def drawing_options(command: Callable) -> Callable:
    """The options that the commands here share, in the order of their help."""
    shared = (
        at_option,
        size_option,
        device_option,
        batch_option,
        offline_option,
        sandbox_option,
        quiet_option,
    )
    return reduce(lambda decorated, option: option(decorated), reversed(shared), command)


@click.command()
@preset_argument
@click.option("--x", required=True, metavar="PLACE=VALUES", help="What changes from column to column.")
@click.option("--y", metavar="PLACE=VALUES", help="What changes from row to row.")
@click.option("--z", metavar="PLACE=VALUES", help="What changes from frame to frame of the --gif.")
@set_option
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), metavar="FILE", help="[default: PRESET-grid.png]"
)
@click.option(
    "--zoom",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write a folder with a page, DIR/index.html, to zoom in; it needs no network.",
)
@click.option(
    "--gif",
    "film",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a GIF (or .mp4) whose frames are the values of --z.",
)
@click.option("--fps", default="4", metavar="N", show_default=True, help="Frames of the GIF a second.")
@drawing_options
def grid(
    preset: str,
    x: str,
    y: str | None,
    z: str | None,
    overrides: tuple[str, ...],
    out: Path | None,
    zoom: Path | None,
    film: Path | None,
    at: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Draw PRESET for all values of two places, as one picture.

    \b
    blendreel grid hello --x blend.swap=4,8,16,32 --y blend.snapshot=0:20:4
    blendreel grid hello --x blend.swap=4:256:x2 --y latents.seed=0-5 --zoom faces
    blendreel grid hello --x time=0s:5s:1s --y truncation=0.5,0.7,1

    VALUES are separated by commas. A range has its last value and a step, 0:20:4, or a factor, 4:256:x2;
    seeds also have 0-5. PLACE is where the preset says it (blend.high, truncation, noise.seed), or `time`.
    All cells show the same latent unless an axis says otherwise.
    """
    from render.console import progress

    loaded = load_preset(preset, quiet, overrides)
    fetch_models(loaded, quiet)
    from render.figure import Grid, read_axis, save_grid

    axes = [read_axis(text) if text else None for text in (x, y, z)]
    if not (out or zoom or film):
        out = default_folder() / f"{Path(preset).stem}-grid.png"
    out, zoom, film = (path and placed(Path(), path) for path in (out, zoom, film))
    with progress("grid", quiet) as show:
        made = Grid(loaded, *axes, at=at)
        paths = save_grid(made, out=out, zoom=zoom, film=film, progress=show, **options)
    announce(paths, quiet)


@click.command()
@preset_argument
@click.option("--count", type=click.IntRange(1, 1_000_000), required=True, help="Pairs to draw.")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), metavar="DIR", required=True, help="Their folder."
)
@click.option(
    "--format",
    "layout",
    type=click.Choice(["folders", "webdataset"]),
    default="folders",
    show_default=True,
    help="pix2pixHD's folders, or tar shards for WebDataset.",
)
@click.option(
    "--first-seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first pair's."
)
@click.option(
    "--base", default="low", show_default=True, metavar="NAME", help="low, high, or a model's name."
)
@click.option("--phase", default="train", show_default=True, metavar="WORD", help="train, test or val.")
@click.option("--shard", type=click.IntRange(min=1), default=1000, show_default=True, help="Pairs in a tar.")
@set_option
@drawing_options
def pairs(
    preset: str,
    overrides: tuple[str, ...],
    out: Path,
    size: int | None,
    device: str | None,
    batch_size: int | None,
    quiet: bool,
    **plan: Any,
) -> None:
    """Draw pairs for training: the base's picture and the blend's.

    Both of one latent, for many seeds.

    \b
    blendreel pairs hello --count 10000 --out faces --at 2s
    blendreel pairs hello --count 10000 --out faces --set blend.swap=16 --format webdataset

    Called again after an interruption, or with a larger --count, it goes on where it ended. The folders are
    DIR/train_A (base) and DIR/train_B (blend), which pix2pixHD reads with --label_nc 0 --no_instance. The
    preset's walk is not used: pair n shows seed n.
    """
    from render.console import progress

    loaded = load_preset(preset, quiet, overrides)
    fetch_models(loaded, quiet)
    from render.pairs import PairPlan, save_pairs

    with progress("pairs", quiet) as show:
        made = PairPlan(loaded, **plan)
        folder = save_pairs(
            made, placed(Path(), out), device=device, batch_size=batch_size, size=size, progress=show
        )
    if not quiet:
        click.echo(f"{folder}  {made.count} pairs")
