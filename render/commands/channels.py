"""`blendreel channels …`: which channels draw which part, and which of them fine-tuning moved."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click

from render.commands.group import Group
from render.commands.models import open_model
from render.commands.options import device_option, offline_option, quiet_option
from render.commands.steps import announce
from render.errors import PresetError

PICTURES = 10  # in the figure of clusters
TRIED = 6  # pictures for every channel that is tried


def looking_options(command: Callable) -> Callable:
    """The options that the commands here share, in the order of their help."""
    shared = (
        samples_option,
        seed_option,
        truncation_option,
        figure_option,
        force_option,
        device_option,
        offline_option,
        quiet_option,
    )
    return reduce(lambda decorated, option: option(decorated), reversed(shared), command)


@click.group(cls=Group)
def channels() -> None:
    """Find the channels that draw eyes, or that fine-tuning moved.

    A preset's channels then let them come from another model.

    M, A and B are a path or whatever a preset's models may be, such as sample:portrait.
    """


def read_share(context: click.Context, parameter: click.Parameter, text: str) -> float:
    """`5%` or `0.05` as 0.05."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise click.BadParameter(f"a share is written as 5% or 0.05, up to 100%, not {text!r}")
    return share


def read_names(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[int, str]:
    """`3=eyes` as {2: 'eyes'}."""
    from render.blending.channels import check_name

    names = {}
    for text in texts:
        number, equals, name = text.partition("=")
        if not (equals and number.strip().isdigit() and int(number) > 0):
            raise click.BadParameter(f"a cluster is named as in 3=eyes, not {text!r}")
        names[int(number) - 1] = check_name(name.strip())
    return names


samples_option = click.option(
    "--samples", type=click.IntRange(2, 10_000), default=64, show_default=True, help="Pictures looked at."
)
seed_option = click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="The first picture's seed."
)
truncation_option = click.option("--truncation", type=float, default=0.7, show_default=True)
figure_option = click.option(
    "--out", "-o", "picture", type=click.Path(path_type=Path), metavar="OUT.png", help="The figure's name."
)
force_option = click.option("--force", is_flag=True, help="Replace sets of the same names in the file.")


@channels.command()
@click.option("--model", "-m", "model", required=True, metavar="M", help="The network to look into.")
@click.option("--k", "count", type=click.IntRange(2, 100), default=12, show_default=True, help="Clusters.")
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="LAYER",
    help="Whose activations are clustered, such as 32/1; more than once: together.  "
    "[default: the last of 32 px, or of an eighth of a smaller picture]",
)
@click.option(
    "--share",
    default="5%",
    show_default=True,
    callback=read_share,
    help="Of each layer's channels, a cluster's.",
)
@click.option("--name", "names", multiple=True, callback=read_names, metavar="N=NAME", help="Name cluster N.")
@click.option(
    "--try",
    "other",
    metavar="B",
    help="Take every channel alone from B and see where the picture changes: slow, and much surer.",
)
@click.option(
    "--save",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE.yaml",
    help="Where the sets go.  [default: M.channels.yaml, beside M]",
)
@looking_options
def find(
    model: str,
    count: int,
    layers: tuple[str, ...],
    share: float,
    names: dict[int, str],
    other: str | None,
    file: Path | None,
    picture: Path | None,
    force: bool,
    quiet: bool,
    **how: Any,
) -> None:
    """Find the channels of each part of the picture that M draws.

    What M's layers give is clustered into the parts.

    \b
    blendreel channels find --model sample:portrait                  look at the figure, then
    blendreel channels find --model sample:portrait --name 7=eyes --force
    """
    check_numbers(names, count)
    file = file or default_file(model)
    picture = picture or Path(f"{stem(model)}-channels.png")
    generator = open_model(model, quiet)
    from PIL import Image

    from render.blending.channel_clusters import find_clusters
    from render.channel_figures import cluster_figure, cluster_name, describe_clusters
    from render.picture_files import picture_file

    called = [names.get(cluster, cluster_name(cluster)) for cluster in range(count)]
    kept = sets_to_keep(file, called, force)
    with picture_file(picture) as write:
        generator, ws = prepare(generator, **how)
        catalogue = find_clusters(generator, ws, count, layers, how["seed"])
        if other:
            catalogue = tried(catalogue, generator, open_model(other, quiet), ws, quiet)
        images = generator.synthesis(ws[:PICTURES])
        write(Image.fromarray(cluster_figure(images, catalogue, called)))
    sets = sets_of(catalogue, called, share)
    if not quiet:
        click.echo(describe_clusters(catalogue, called, share))
    announce([picture, save(file, [*kept, *sets], f"channels of {model}, numbered from 0")], quiet)
    if not names and not quiet:
        click.echo(f"now look at {picture}, and name what you see: again with --name 3=eyes --force")


@channels.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--top", "share", default="5%", show_default=True, callback=read_share, help="How many moved most."
)
@click.option(
    "--by",
    type=click.Choice(["weights", "activations"]),
    default="weights",
    show_default=True,
    help="What tells which moved most.",
)
@click.option("--name", "name", default="moved", show_default=True, help="What the set is called.")
@click.option(
    "--save", "file", type=click.Path(path_type=Path), metavar="FILE.yaml", help="Save the set in this file."
)
@looking_options
def attribute(
    a: str,
    b: str,
    share: float,
    by: str,
    name: str,
    file: Path | None,
    picture: Path | None,
    force: bool,
    quiet: bool,
    **how: Any,
) -> None:
    """Find the channels of A that moved most on the way to B.

    They are told by their weights, and by what they do.
    """
    from render.blending.channels import check_name

    check_name(name)
    kept = sets_to_keep(file, [name], force) if file else []
    generator, other = open_model(a, quiet), open_model(b, quiet)
    from render.blending.attribution import attribute as measure
    from render.blending.attribution import most_moved
    from render.channel_figures import change_figure, describe_changes
    from render.picture_files import picture_file

    picture = picture or Path(f"{stem(a)}-{stem(b)}-channels.png")
    with picture_file(picture) as write:
        generator, ws = prepare(generator, **how)
        changes = measure(generator, other.to(ws.device), ws)
        moved = most_moved(changes, share, by, name)
        title = f"channels moved from {stem(a)} to {stem(b)}"
        write(change_figure(changes, moved, title, f"{100 * share:g}%", by))
    if not quiet:
        click.echo(describe_changes(changes, moved, by))
    made = [picture]
    if file:
        made.append(save(file, [*kept, moved], f"channels of {a}, numbered from 0"))
    announce(made, quiet)


def prepare(
    generator: Any, samples: int, seed: int, truncation: float, device: str | None
) -> tuple[Any, Any]:
    """The network on its device, and latents [N, num_ws, w_dim] of seeds in a row."""
    import torch

    from render.latents import seed_latents
    from render.renderer import pick_device

    generator = generator.to(pick_device(device)).use_shared_weights()
    z = torch.from_numpy(seed_latents(range(seed, seed + samples), generator.z_dim))
    z = z.to(generator.mapping.w_avg.device)
    with torch.no_grad():
        return generator, generator.mapping(z, truncation_psi=truncation)


def tried(catalogue: Any, generator: Any, other: Any, ws: Any, quiet: bool) -> Any:
    """The catalogue with every channel where it shows, and not where it is at work."""
    from dataclasses import replace

    import torch.nn.functional as F

    from render.blending.trials import try_channels
    from render.console import progress

    masks = F.one_hot(catalogue.labels[:TRIED].long(), catalogue.count).permute(0, 3, 1, 2)
    other = other.to(ws.device).use_shared_weights()
    with progress("trying channels", quiet) as show:
        shares = try_channels(generator, other, ws[:TRIED], masks, list(catalogue.shares), show)
    return replace(catalogue, shares={name: share.to(catalogue.areas) for name, share in shares.items()})


def sets_of(catalogue: Any, called: list[str], share: float) -> list[Any]:
    """Clusters as sets; those of one name are one set, and those without channels none."""
    from render.blending.channels import ChannelSet

    found: dict[str, ChannelSet] = {}
    for cluster, name in enumerate(called):
        own = ChannelSet(name, catalogue.channels(cluster, share))
        if len(own):
            found[name] = found[name].joined(own) if name in found else own
    return list(found.values())


def check_numbers(names: dict[int, str], count: int) -> None:
    """Raises PresetError if a cluster is named that there is not."""
    beyond = [number + 1 for number in names if number >= count]
    if beyond:
        raise PresetError(f"--name: there is no cluster {beyond[0]}; --k asks for {count}, numbered from 1")


def stem(source: str) -> str:
    """What to call files about a model: `portrait` for sample:portrait and for models/portrait.pkl."""
    return Path(re.split(r"[:/\\]", source)[-1]).stem or "model"


def default_file(source: str) -> Path:
    """Beside the model where that is a file of the user's; otherwise here."""
    from render.blending.channels import SUFFIX, channel_file

    path = Path(source).expanduser()
    return channel_file(path) if path.is_file() else Path(f"{stem(source)}{SUFFIX}")


def sets_to_keep(file: Path, names: list[str], force: bool) -> list[Any]:
    """The sets that stay in `file` beside new ones of these names. Raises PresetError if some would go.

    With `force`, clusters of an earlier run that nobody named go too.
    """
    from render.blending.channels import read_channels

    if not file.exists():
        if not file.absolute().parent.is_dir():
            raise PresetError(f"{file} cannot be written: there is no folder {file.parent}")
        return []
    there = read_channels(file)
    taken = [name for name in names if name in there]
    if taken and not force:
        raise PresetError(f"{file} has channels called {taken[0]} already; replace them with --force")
    return [each for name, each in there.items() if name not in taken and not (force and _is_unnamed(name))]


def _is_unnamed(name: str) -> bool:
    return re.fullmatch(r"cluster-\d+", name) is not None


def save(file: Path, sets: list[Any], comment: str) -> Path:
    """Write the sets and say where."""
    from render.blending.channels import write_channels

    return write_channels(file, sets, comment)
