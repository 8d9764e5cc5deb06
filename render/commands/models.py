"""`blendreel models …`: checkpoints inspected, compared, converted, blended. Torch comes in to do it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from render.commands.catalogue import list_command
from render.commands.group import Group
from render.commands.options import device_option, offline_option, quiet_option
from render.commands.steps import announce
from render.errors import PresetError

SUFFIX = ".safetensors"


@click.group(cls=Group)
def models() -> None:
    """Inspect, compare, convert and blend checkpoints.

    FILE, A and B are a path or whatever a preset's models may be, such as sample:portrait.
    """


models.add_command(list_command)

force_option = click.option("--force", is_flag=True, help="Replace OUT if it is there.")
half_option = click.option(
    "--half", is_flag=True, help="Store weights in float16: half the size, and pictures change a little."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@models.command()
@click.argument("file")
@click.argument("out", type=click.Path(path_type=Path))
@half_option
@force_option
@offline_option
@quiet_option
def convert(file: str, out: Path, half: bool, force: bool, quiet: bool) -> None:
    """Convert FILE, of any known format, to OUT.safetensors.

    It runs no code and renders the same.
    """
    check_target(out, force)
    from render.checkpoints.library import kimg_in_name

    generator = open_model(file, quiet)
    kimg = generator.provenance.kimg
    if kimg is None:
        kimg = kimg_in_name(Path(generator.provenance.source))
    announce([save(generator, out, half, kimg)], quiet)


@models.command()
@click.option("--low", required=True, metavar="A", help="Gives the coarse layers, mapping and noise maps.")
@click.option("--high", required=True, metavar="B", help="Gives the fine layers.")
@click.option(
    "--swap",
    required=True,
    metavar="LAYER",
    help="Where B takes over: a resolution (32; between powers of two it cross-fades) or a layer (32/1, L7).",
)
@click.option("--width", type=float, help="Softness in layers.  [default: a hard cut]")
@click.option("--weight", type=float, default=1.0, show_default=True, help="How much of B is used.")
@click.option(
    "--convention",
    default="position",
    show_default=True,
    metavar="NAME",
    help="position; pinkney or dvschultz for what the blend_models.py that they published makes.",
)
@click.argument("out", type=click.Path(path_type=Path))
@half_option
@force_option
@offline_option
@quiet_option
def blend(low: str, high: str, out: Path, half: bool, force: bool, quiet: bool, **how: Any) -> None:
    """Blend two checkpoints into one network, saved as OUT.safetensors."""
    check_target(out, force)
    how["swap"] = parse_swap(how["swap"])
    from render.blending.blender import blend as mix
    from render.blending.kinship import unrelated, warning_text

    networks = {"low": open_model(low, quiet), "high": open_model(high, quiet)}
    mixed = mix(networks["low"], networks["high"], **how)
    strangers = unrelated(networks)
    if strangers and not quiet:
        click.echo(f"warning: {warning_text(strangers)}", err=True)
    announce([save(mixed, out, half)], quiet)


@models.command("inspect")
@click.argument("file")
@json_option
@click.option(
    "--sheet",
    "picture",
    type=click.Path(path_type=Path),
    metavar="OUT.png",
    help="Draw seeds 0 to 31, truncation 0.7.",
)
@device_option
@offline_option
def inspect_command(file: str, as_json: bool, picture: Path | None, device: str | None) -> None:
    """Say what FILE is, how it was trained, and its checksum.

    Its format, architecture, sizes and precision are told, too.
    """
    fetch(file, quiet=False)
    from render.console import progress
    from render.inspection import describe, inspect, sheet
    from render.picture_files import picture_file

    facts, generator = inspect(file)
    if as_json:
        click.echo(json.dumps(facts.as_json(), indent=2, ensure_ascii=False))
    else:
        click.echo(describe(facts))
    if picture:
        from PIL import Image

        from render.renderer import pick_device

        with picture_file(picture) as write, progress("sheet", quiet=False) as show:
            write(Image.fromarray(sheet(generator, pick_device(device), show)))
        announce([picture], quiet=as_json)


@models.command()
@click.argument("files", nargs=-1, required=True, metavar="A B [C …]")
@json_option
@click.option(
    "--plot",
    "picture",
    type=click.Path(path_type=Path),
    metavar="OUT.png",
    help="Draw the kinship of every layer.",
)
@offline_option
def compare(files: tuple[str, ...], as_json: bool, picture: Path | None) -> None:
    """Say whether A and B can be blended, and whether they are related.

    The verdict is one of: same run, fine-tuned from one another, unrelated, cannot be blended.
    """
    if len(files) < 2:
        raise click.UsageError("two checkpoints or more are needed to compare")
    from render.blending.kinship import compare_all
    from render.comparison import as_json as plain
    from render.comparison import describe, draw
    from render.picture_files import picture_file

    pairs = compare_all([open_model(file, quiet=as_json) for file in files])
    if as_json:
        click.echo(json.dumps(plain(pairs), indent=2, ensure_ascii=False))
    else:
        click.echo(describe(pairs))
    if picture:
        profile = draw(pairs)
        if profile is None:
            raise PresetError(f"{picture}: there is nothing to draw; no layers of these networks correspond")
        with picture_file(picture) as write:
            write(profile)
        announce([picture], quiet=as_json)


def check_target(out: Path, force: bool) -> None:
    """Raises PresetError unless `out` is a name that can be written to."""
    if out.suffix.lower() != SUFFIX:
        raise PresetError(
            f"{out}: checkpoints are written as {SUFFIX} only, a format that can hold no code; "
            f"try {out.with_suffix(SUFFIX) if out.name else SUFFIX}"
        )
    if out.is_dir():
        raise PresetError(f"{out} is a folder; give the name of a file")
    if out.exists() and not force:
        raise PresetError(f"{out} exists already; choose another name, or replace it with --force")
    if not out.parent.is_dir():
        raise PresetError(f"{out} cannot be written: there is no folder {out.parent}")


def parse_swap(text: str) -> float | str:
    """A resolution as a number, or the name of a layer."""
    try:
        return float(text)
    except ValueError:
        return text


def fetch(source: str, quiet: bool) -> None:
    """Fetch `source` if it lies on the web and is not here yet, and show how far it is."""
    from render.checkpoints.library import is_remote, resolve
    from render.console import transfers

    if is_remote(source):
        with transfers(quiet) as show:
            resolve(source, progress=show)


def open_model(source: str, quiet: bool) -> Any:
    """The generator in the checkpoint that `source` names. Raises CheckpointError."""
    fetch(source, quiet)
    from render.checkpoints.load import load

    return load(source)


def save(generator: Any, out: Path, half: bool, kimg: float | None = None) -> Path:
    """Write a generator as a file of ours."""
    import torch

    from render.checkpoints.native import save as write

    return write(generator, out, torch.float16 if half else torch.float32, kimg=kimg)
