"""`blendreel bench`: how fast this machine draws, part by part."""

from __future__ import annotations

import click

from render.bench import PARTS, chosen_parts
from render.bench import bench as measured
from render.commands.options import device_option, offline_option
from render.errors import PresetError

SMALLEST, LARGEST = 8, 1024  # pixels of a random network
ARCHITECTURES = "stylegan1", "stylegan2", "stylegan3-t", "stylegan3-r"


@click.command()
@click.argument("model", required=False)
@click.option(
    "--size",
    type=int,
    metavar="PIXELS",
    help=f"A network of random weights, of the usual widths, instead of MODEL: a power of two "
    f"from {SMALLEST} to {LARGEST}.  [default: 256]",
)
@click.option(
    "--architecture",
    type=click.Choice(ARCHITECTURES),
    help="Of the network of random weights.  [default: stylegan2]",
)
@click.option(
    "--only",
    metavar="PARTS",
    default="",
    help=f"Only these parts: {', '.join(PARTS)}; with commas.",
)
@click.option("--quick", is_flag=True, help="Measure little, and once: a rough figure in a short time.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@device_option
@offline_option
def bench(
    model: str | None,
    size: int | None,
    architecture: str | None,
    only: str,
    quick: bool,
    as_json: bool,
    device: str | None,
) -> None:
    """Measure how fast MODEL is drawn here.

    It is drawn plainly, exactly and fast, in sweeps, previews and whole clips. MODEL is a file, sample:NAME
    or an address, as presets name models. Every figure is to be compared with those of the same run alone;
    leave the machine alone meanwhile. Missing machine code is made first.

    \b
    blendreel bench                              a network of 256 px, some minutes
    blendreel bench --size 1024 --only draw      one part
    blendreel bench --architecture stylegan3-t   another network of 256 px
    blendreel bench sample:portrait --json       a network of one's own, for other programs
    """
    parts = chosen_parts(name.strip() for name in only.split(",") if name.strip())
    for name, given in {"size": size, "architecture": architecture}.items():
        if model is not None and given is not None:
            raise PresetError(f"MODEL is {model} and --{name} is {given}; give one of them")
    size = 256 if size is None else size
    if not SMALLEST <= size <= LARGEST or size & (size - 1):
        raise PresetError(f"--size is {size}; it is a power of two from {SMALLEST} to {LARGEST}")
    from render.bench.subject import random_network
    from render.checkpoints.load import load
    from render.networks.memory import keep_freed_memory
    from render.renderer import pick_device

    place = pick_device(device)
    if place.type == "cpu":
        keep_freed_memory()  # as early as `render` does it
    if model is None:
        network = random_network(size, architecture or "stylegan2").to(place)
    else:
        network = load(model, place)
    report = measured(network, parts, is_quick=quick, compiled=None if quick else True)
    click.echo(report.to_json() if as_json else report.table())
