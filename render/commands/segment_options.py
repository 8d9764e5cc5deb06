"""Options of commands that render in segments, and what a person hears of such a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from render.errors import PresetError

if TYPE_CHECKING:
    from render.production import Manner, Share

_OPTIONS = (
    click.option(
        "--segment-frames",
        type=click.IntRange(min=1),
        default=320,
        show_default=True,
        metavar="N",
        help="Frames of a segment: the most that an interruption may cost.",
    ),
    click.option(
        "--fresh/--resume",
        default=False,
        help="Make everything anew, or go on with what an interrupted render left.  [default: resume]",
    ),
    click.option(
        "--allow-broken", is_flag=True, help="Go on where a picture has no numbers or one colour only."
    ),
)


_SHARES = (
    click.option(
        "--shard",
        metavar="I/N",
        help="Draw part I of N, and make no files: `blendreel join` does. auto takes both from the scheduler "
        "(SLURM, PBS, SGE, LSF, AWS Batch, torchrun, MPI), auto/N the first.",
    ),
    click.option(
        "--workers", type=click.IntRange(min=1), metavar="N", help="Draw with N processes on this machine."
    ),
    click.option("--gpus", metavar="all|0,1", help="Draw with one process on each of these GPUs."),
    click.option(
        "--cluster",
        metavar="auto|ADDRESS",
        help="Draw on a Ray cluster; auto starts Ray on this machine. Needs the extra `cluster`.",
    ),
)


def share_options(command: Callable) -> Callable:
    """Add the options that share the work out."""
    for option in reversed(_SHARES):
        command = option(command)
    return command


def share_of(options: dict[str, Any]) -> Share:
    """How they share it out; takes them out of the options. Raises PresetError: two ways at once, or none."""
    from render.production import Share
    from render.production.shards import read_shard

    names = ("shard", "workers", "gpus", "cluster")
    given = {name: value for name in names if (value := options.pop(name)) is not None}
    if len(given) > 1:
        raise PresetError(f"{' and '.join(f'--{name}' for name in given)} exclude each other")
    if "shard" in given:
        return Share(shard=read_shard(given["shard"]))
    if "cluster" in given:
        from render.cluster import Cluster
        from render.reach import current_sandbox

        if current_sandbox():
            raise PresetError("--cluster: a sandbox does not hold the workers of a cluster; use --workers")
        return Share(crew=Cluster(given["cluster"]))
    if not given:
        return Share()
    from render.production.processes import Processes, gpu_names, known_gpus
    from render.renderer import pick_device

    if "gpus" in given:
        return Share(crew=Processes(gpu_names(given["gpus"])))
    device = options.get("device")
    cards = known_gpus() if device in (None, "cuda") else []
    places = cards or [str(pick_device(device))]
    return Share(crew=Processes([places[index % len(places)] for index in range(given["workers"])]))


def segment_options(command: Callable) -> Callable:
    """Add them to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def is_default(name: str) -> bool:
    """Whether an option of the command that runs was left out."""
    source = click.get_current_context().get_parameter_source(name)
    return source == click.core.ParameterSource.DEFAULT


@contextmanager
def manner_of(title: str, quiet: bool) -> Iterator[Manner]:
    """How a run behaves in front of a person: a bar, lines on stderr, and a Ctrl-C that waits a little."""
    from render.console import progress
    from render.production import Manner
    from render.production.patience import Patience

    def tell(text: str) -> None:
        if not quiet:
            click.echo(text, err=True)

    with progress(title, quiet) as show, Patience(tell) as patience:
        yield Manner(show, tell, patience)
