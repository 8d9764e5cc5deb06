"""`blendreel project`: photographs into latents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from render.cli import announce
from render.models_cli import open_model
from render.options import device_option, offline_option, quiet_option

STEPS = 200

photos_argument = click.argument("photos", nargs=-1, required=True, metavar="PHOTO…")
model_option = click.option(
    "--model",
    required=True,
    metavar="M",
    help="The network: a path, or whatever a preset's models may be, such as sample:portrait.",
)
space_option = click.option(
    "--space",
    type=click.Choice(["w", "w+"]),
    default="w+",
    show_default=True,
    help="One latent for all layers, or one for each: nearer to the photo.",
)
steps_option = click.option(
    "--steps", type=click.IntRange(1, 100_000), default=STEPS, show_default=True, help="Of descent."
)
seed_option = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)


@click.command()
@photos_argument
@model_option
@space_option
@steps_option
@seed_option
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("me.npz"),
    show_default=True,
    metavar="FILE.npz",
)
@click.option("--no-picture", is_flag=True, help="Write no FILE.png that shows photo and result.")
@device_option
@offline_option
@quiet_option
def project(
    photos: tuple[str, ...],
    model: str,
    out: Path,
    no_picture: bool,
    device: str | None,
    quiet: bool,
    **how: Any,
) -> None:
    """Find the latents of photographs, for presets to walk between.

    \b
    blendreel project me.jpg --model sample:portrait
    blendreel project me.jpg friend.jpg --model ffhq.pkl -o us.npz

    A preset then says `latents: {files: us.npz}`. Beside the latents lies a picture of the same name that
    shows each photo, what was found, and the difference. Nothing leaves this machine.
    """
    from render.console import progress
    from render.picture_files import picture_file
    from render.projection import Plan, project
    from render.projection.files import check_target, save_latents
    from render.projection.measures import psnr, ssim
    from render.projection.photographs import open_photographs
    from render.projection.side_by_side import side_by_side

    plan = Plan(**how)
    check_target(out)
    generator = open_network(model, quiet, device)
    names = [Path(photo).stem for photo in photos]
    targets = open_photographs(photos, generator)
    with progress("projecting", quiet, "step") as show:
        found = project(
            generator,
            targets,
            plan,
            progress=show and (lambda done, total, loss: show(done, total, f"loss {loss:.3f}")),
        )
    made = [save_latents(out, found.ws.numpy(), names, model=model, space=plan.space)]
    if not no_picture:
        with picture_file(out.with_suffix(".png")) as write:
            write(side_by_side(targets, found.images, names))
        made.append(out.with_suffix(".png"))
    if not quiet:
        scores = zip(photos, psnr(found.images, targets), ssim(found.images, targets), strict=True)
        for photo, decibels, likeness in scores:
            click.echo(f"{photo}: PSNR {decibels:.1f} dB, SSIM {likeness:.3f}")
    announce(made, quiet)


def open_network(model: str, quiet: bool, device: str | None) -> Any:
    """The generator, on its device; the name of a sample will do, where there is no such file."""
    from render.checkpoints.library import SAMPLE_PREFIX, sample_names
    from render.renderer import pick_device

    place = pick_device(device)
    if model in sample_names() and not Path(model).exists():
        model = f"{SAMPLE_PREFIX}{model}"
    return open_model(model, quiet).to(place)
