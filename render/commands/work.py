"""The commands around films made in segments: `blendreel join` and `blendreel clean`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from render.commands.options import folder_option, offline_option, preset_argument, quiet_option, set_option
from render.commands.segment_options import manner_of
from render.commands.steps import announce, fetch_models, load_preset, pointing
from render.errors import PresetError

_DAY_SECONDS = 86_400


@click.command()
@preset_argument
@set_option
@click.option("--out", "-o", "files", multiple=True, help="As it was given to `render`.")
@folder_option
@click.option("--segment-frames", type=int, default=320, metavar="N", help="As it was given to `render`.")
@click.option("--private", is_flag=True, help="As it was given to `render`.")
@offline_option
@quiet_option
def join(
    preset: str, overrides: tuple[str, ...], files: tuple[str, ...], quiet: bool, **options: Any
) -> None:
    """Make PRESET's files of what all shards have drawn.

    A shard draws its segments with `blendreel render --shard`. Give `join` the options that `render` had, but
    for --shard. Exit code 4: segments are missing.
    """
    loaded = load_preset(preset, quiet, overrides)
    fetch_models(loaded, quiet)
    from render import production

    options["out_dir"] = options["out_dir"] or "."
    with pointing(loaded), manner_of("joining", quiet) as manner:
        share = production.Share(joins=True)
        paths = production.render(loaded, *files, manner=manner, share=share, **options)
    announce(paths, quiet)


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    default=0,
    metavar="DAYS",
    help="Only those left alone for so long.",
)
@click.option("--yes", is_flag=True, help="Remove them without asking.")
@quiet_option
def clean(folders: tuple[Path, ...], older_than: float, yes: bool, quiet: bool) -> None:
    """List what interrupted renders left in FOLDERS, and remove it.

    Folders below are looked through, too.  [default: here]  What a render is at just now stays.
    """
    from render.console import duration_text, size_text
    from render.production.leftovers import find

    for folder in folders:
        if not folder.is_dir():
            raise PresetError(
                f"{folder}: {'this is no folder' if folder.exists() else 'there is no such folder'}"
            )
    left = [each for folder in folders or (Path(),) for each in find(folder)]
    old = [each for each in left if each.age_seconds >= older_than * _DAY_SECONDS]
    if not old:
        if not quiet:
            where = f"in {', '.join(map(str, folders))}" if folders else "here"
            click.echo(f"nothing is left of interrupted renders {where}")
        return
    they = "them" if len(old) > 1 else "it"
    if quiet and not yes:
        raise PresetError(f"--quiet lists nothing and asks nothing; remove {they} with --yes")
    for each in old if not quiet else ():
        state = f"{each.finished} of {each.segments} segments, " if each.segments else ""
        age = duration_text(each.age_seconds)
        click.echo(f"{each.place}  {state}{size_text(each.bytes)}, untouched for {age}")
    if not yes and not sys.stdin.isatty():
        click.echo(f"--yes removes {they}")
    elif yes or click.confirm(f"remove {they}?"):
        for each in old:
            each.remove()
