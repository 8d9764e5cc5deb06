"""Options that `project` and `toonify` share: how photographs are cropped, searched and tuned."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path

import click

from render.commands.options import device_option, offline_option, quiet_option

STEPS = 200
TUNED_BY_ITSELF = 256  # pixels that a CPU tunes in well under a minute

face_options = (
    click.option(
        "--align",
        is_flag=True,
        help="Find the face and crop it as FFHQ was; needs the extra blendreel[faces].",
    ),
    click.option(
        "--landmarks",
        "mark_files",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Crop by the landmarks in FILE, 5 or 68 points; once for each photo.",
    ),
    click.option(
        "--points",
        "clicked",
        multiple=True,
        metavar="'X,Y …'",
        help="Crop by five points: left eye, right eye, nose, corners of the mouth; once for each photo.",
    ),
)
fps_option = click.option("--fps", metavar="N", help="Frames a second of a folder of frames.  [default: 25]")
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
perceptual_option = click.option(
    "--perceptual",
    multiple=True,
    metavar="FILE",
    help="Weights of VGG16 or LPIPS, to compare what is seen as well as pixels; vgg16 fetches torchvision's, "
    "528 MB, once.",
)
force_option = click.option("--force", is_flag=True, help="Replace files of these names, whatever they are.")
last_options = (force_option, offline_option, quiet_option)


def searching_options(command: Callable) -> Callable:
    """The options that both commands share, in the order of their help."""
    shared = (
        *face_options,
        space_option,
        steps_option,
        tune_option,
        seed_option,
        perceptual_option,
        film_option,
        fps_option,
        device_option,
    )
    return reduce(lambda decorated, option: option(decorated), reversed((*shared, *last_options)), command)
