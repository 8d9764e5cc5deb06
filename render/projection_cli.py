"""`blendreel project` and `blendreel toonify`: photographs into latents, and into a film."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click

from render.cli import announce
from render.models_cli import open_model
from render.options import device_option, offline_option, quiet_option

STEPS = 200
TUNING_STEPS = 150


def searching_options(command: Callable) -> Callable:
    """The options that both commands share, in the order of their help."""
    shared = (space_option, steps_option, tune_option, seed_option, film_option, device_option)
    return reduce(lambda decorated, option: option(decorated), reversed((*shared, *last_options)), command)


photos_argument = click.argument("photos", nargs=-1, required=True, metavar="PHOTO…")
space_option = click.option(
    "--space",
    type=click.Choice(["w", "w+"]),
    default="w+",
    show_default=True,
    help="One latent for all layers, or one for each: nearer to the photo.",
)
steps_option = click.option(
    "--steps", type=click.IntRange(1, 100_000), default=STEPS, show_default=True, help="Of the search."
)
tune_option = click.option(
    "--tune/--no-tune",
    "tuned",
    default=False,
    help="Tune the network to the photos as well, and write it as FILE.safetensors.",
)
seed_option = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
film_option = click.option(
    "--video", "film", type=click.Path(path_type=Path), metavar="FILE", help="Film the search."
)
last_options = (offline_option, quiet_option)


@click.command()
@photos_argument
@click.option(
    "--model",
    required=True,
    metavar="M",
    help="The network: a path, or whatever a preset's models may be, such as sample:portrait.",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("me.npz"),
    show_default=True,
    metavar="FILE.npz",
)
@click.option("--no-picture", is_flag=True, help="Write no FILE.png that shows photos and results.")
@searching_options
def project(
    photos: tuple[str, ...], model: str, out: Path, no_picture: bool, quiet: bool, **how: Any
) -> None:
    """Find the latents of photographs, for presets to walk between.

    \b
    blendreel project me.jpg --model sample:portrait
    blendreel project me.jpg friend.jpg --model ffhq.pkl -o us.npz

    A preset then says `latents: {files: us.npz}`. Beside the latents lies a picture of the same name that
    shows each photo, what was found, and the difference. Nothing leaves this machine.
    """
    made = held_sitting(photos, sample_name(model), out, quiet, picture=not no_picture, **how)
    tell(photos, made.scores, quiet)
    announce(made.files, quiet)
    if made.tuned and not quiet:
        click.echo(f"in a preset: models: {{me: {made.tuned.name}}} beside latents: {{files: {out.name}}}")


def held_sitting(
    photos: tuple[str, ...],
    model: str,
    out: Path,
    quiet: bool,
    *,
    picture: bool,
    steps: int,
    space: str,
    seed: int,
    tuned: bool,
    film: Path | None,
    device: str | None,
) -> Any:
    """What the commands have in common: everything from photographs to files, with progress shown."""
    from render.console import progress
    from render.projection import Plan
    from render.projection.photographs import open_photographs
    from render.projection.sitting import Wishes, sit
    from render.projection.tuning import Tuning
    from render.renderer import pick_device

    place = pick_device(device)
    generator = open_model(model, quiet).to(place)
    targets = open_photographs(photos, generator)
    tuning = Tuning(steps=TUNING_STEPS, seed=seed) if tuned else None
    plan = Plan(space=space, steps=steps, seed=seed)
    wishes = Wishes(out, plan, tuning, picture=picture, film=film)
    names = [Path(photo).stem for photo in photos]

    def shows(title: str) -> Any:
        return progress(title, quiet, "sample" if title == "drawing samples" else "step")

    return sit(generator, model, targets, names, wishes, shows)


def sample_name(model: str) -> str:
    """`model`, or sample:NAME where it is the name of a sample and there is no such file."""
    from render.checkpoints.library import SAMPLE_PREFIX, sample_names

    is_sample = model in sample_names() and not Path(model).exists()
    return f"{SAMPLE_PREFIX}{model}" if is_sample else model


def tell(photos: tuple[str, ...], scores: Any, quiet: bool) -> None:
    """How near each photograph came."""
    for photo, (decibels, likeness) in zip(photos, scores, strict=True):
        if not quiet:
            click.echo(f"{photo}: PSNR {decibels:.1f} dB, SSIM {likeness:.3f}")
