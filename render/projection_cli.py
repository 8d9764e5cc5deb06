"""`blendreel project` and `blendreel toonify`: photographs into latents, and into a film."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click

from render.cli import announce, fetch_models, load_preset, pointing
from render.errors import PresetError
from render.models_cli import open_model
from render.options import device_option, offline_option, quiet_option, set_option

STEPS = 200
TUNING_STEPS = 150
TUNED_BY_ITSELF = 256  # pixels that a CPU tunes in well under a minute


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
    default=None,
    help="Tune the network to the photos as well, and write it as FILE.safetensors.  [default: toonify "
    f"does, up to {TUNED_BY_ITSELF} px or on a GPU]",
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


@click.command()
@photos_argument
@click.option(
    "--preset",
    "preset_name",
    default="toonify",
    show_default=True,
    metavar="PRESET",
    help="What is done with the faces: a preset, or the name of one that comes with the project.",
)
@set_option
@click.option(
    "--model",
    metavar="NAME",
    help="Which of the preset's models the photos are projected into.  [default: the one that the others "
    "were fine-tuned from]",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The film.  [default: PHOTO-PRESET.mp4]",
)
@searching_options
def toonify(
    photos: tuple[str, ...],
    preset_name: str,
    overrides: tuple[str, ...],
    model: str | None,
    out: Path | None,
    quiet: bool,
    **how: Any,
) -> None:
    """Project photographs and show them in a preset, such as one that turns them into cartoons.

    \b
    blendreel toonify me.jpg
    blendreel toonify me.jpg friend.jpg --preset hello -o us.gif

    Beside the film lie the latents (.npz), photo and result (.png), the tuned network (.safetensors) and the
    preset (.yaml), which renders the film again: change it as you like. Nothing leaves this machine.
    """
    from render.projection import toonify as choices

    loaded = load_preset(preset_name, quiet, overrides)
    fetch_models(loaded, quiet)
    film = out or Path(f"{Path(photos[0]).stem}-{Path(preset_name).stem}.mp4")
    written = film.with_suffix(".yaml")
    if written.exists():
        raise PresetError(f"{written} exists already; render it again, or choose another name with -o")
    name = choices.base_name(loaded, model)
    latents = film.with_suffix(".npz")
    made = held_sitting(
        photos, choices.reference_of(loaded, name), latents, quiet, picture=True, tunes_small=True, **how
    )
    tell(photos, made.scores, quiet)
    faces = choices.overrides(loaded, latents, name, made.tuned, film)
    shown = load_preset(preset_name, quiet, (*overrides, *faces))
    shown.save(written)
    announce([*made.files, written, *rendered(shown, film.parent, how["device"], quiet)], quiet)


def rendered(preset: Any, folder: Path, device: str | None, quiet: bool) -> list[Path]:
    """The preset's films in that folder."""
    from render import production
    from render.console import progress

    with pointing(preset), progress("rendering", quiet) as show:
        return production.render(preset, out_dir=folder, device=device, progress=show)


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
    tuned: bool | None,
    film: Path | None,
    device: str | None,
    tunes_small: bool = False,
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
    if tuned is None:
        tuned = tunes_small and (place.type != "cpu" or generator.resolution <= TUNED_BY_ITSELF)
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
