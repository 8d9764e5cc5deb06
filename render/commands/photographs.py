"""`blendreel project` and `blendreel toonify`: photographs into latents, and into a film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from render.commands.models import open_model
from render.commands.options import private_option, set_option
from render.commands.searching_options import TUNED_BY_ITSELF, photos_argument, searching_options
from render.commands.steps import announce, fetch_models, load_preset, pointing
from render.errors import PresetError

TUNING_STEPS = 150
UNITS = {"drawing samples": "sample", "tuning": "step"}  # what each bar counts, if not steps or frames
FACE_KEYS = {"--align": "align", "--landmarks": "mark_files", "--points": "clicked"}


@click.command()
@photos_argument
@click.option(
    "--model",
    required=True,
    metavar="M",
    help="The network, a path or whatever a preset's models may be, such as sample:portrait.",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE.npz",
    help="The latents.  [default: PHOTO.npz]",
)
@click.option("--no-picture", is_flag=True, help="Write no FILE.png that shows photos and results.")
@searching_options
def project(
    photos: tuple[str, ...], model: str, out: Path | None, no_picture: bool, quiet: bool, **how: Any
) -> None:
    """Find the latents of photographs, for presets to walk between.

    \b
    blendreel project me.jpg --model sample:portrait
    blendreel project me.jpg friend.jpg --model ffhq.pkl -o us.npz

    A preset then says `latents: {files: us.npz}`. Beside the latents lies a picture of the same name that
    shows each photo, what was found, and the difference. Results of the same photos and network are replaced,
    other files only with --force. Nothing leaves this machine.
    """
    out = out or Path(f"{name_of(photos[0])}.npz")
    made = held_sitting(photos, model, out, quiet, how, has_picture=not no_picture)
    tell(photos, made, quiet)
    announce(made.files, quiet)
    if made.fps is None and not quiet:
        model = f"models: {{me: {made.tuned.name}}} and " if made.tuned else ""
        click.echo(f"in a preset: {model}latents: {{files: {out.name}}}")


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
@private_option
@searching_options
def toonify(
    photos: tuple[str, ...],
    preset_name: str,
    overrides: tuple[str, ...],
    model: str | None,
    out: Path | None,
    private: bool,
    quiet: bool,
    **how: Any,
) -> None:
    """Project photographs, and turn them into a preset's cartoons.

    \b
    blendreel toonify me.jpg
    blendreel toonify me.jpg friend.jpg --preset hello -o us.gif

    Beside the film lie the latents (.npz), photo and result (.png), the tuned network (.safetensors) and the
    preset (.yaml), which renders the film again: change it as you like. Nothing leaves this machine.
    """
    from render.preset import Preset, load_output
    from render.projection import toonify as choices
    from render.projection.origin import sign

    film = out or Path(f"{name_of(photos[0])}-{Path(preset_name).stem}.mp4")
    load_output(str(film))  # a name that nothing can be written to is told at once
    loaded = Preset.load(preset_name, overrides)
    fetch_models(loaded, quiet)
    name = choices.base_name(loaded, model)
    whole = film.parent if film.suffix.lower() == ".png" else film  # numbered pictures have a folder
    latents, written = whole.with_suffix(".npz"), whole.with_suffix(".yaml")
    read = Path(preset_name), *(choices.file_of(loaded, each) for each in loaded.models)
    made = held_sitting(
        photos,
        choices.reference_of(loaded, name),
        latents,
        quiet,
        how,
        beside=(written, whole),
        read=read,
        tunes_small=True,
    )
    tell(photos, made, quiet)
    played = (len(made.scores), made.fps) if made.fps else None
    faces = choices.overrides(loaded, latents, name, made.tuned, film.relative_to(whole.parent), played)
    shown = load_preset(preset_name, quiet, (*overrides, *faces))
    sign(shown.save(written), made.origin)
    films = rendered(shown, whole.parent, how["device"], private, quiet)
    announce([*made.files, written, *films], quiet)


def rendered(preset: Any, folder: Path, device: str | None, private: bool, quiet: bool) -> list[Path]:
    """The preset's films in that folder."""
    from render import production
    from render.console import progress

    with pointing(preset), progress("rendering", quiet) as show:
        return list(production.render(preset, out_dir=folder, device=device, private=private, progress=show))


def held_sitting(
    photos: tuple[str, ...],
    model: str,
    latents: Path,
    quiet: bool,
    how: dict[str, Any],
    *,
    has_picture: bool = True,
    beside: tuple[Path, ...] = (),
    read: tuple[Path, ...] = (),
    tunes_small: bool = False,
) -> Any:
    """What the commands have in common: everything from photographs to files, with progress shown.

    how          the options of `searching_options`
    beside       the preset and the film that the command writes then
    read         files that must not be written over, besides photographs and network
    tunes_small  whether a network that is tuned quickly is tuned where nothing is said
    """
    from render.console import progress
    from render.projection import Plan
    from render.projection.features import load_features
    from render.projection.files import check_target
    from render.projection.origin import origin_of
    from render.projection.sitting import Wishes, sit
    from render.projection.tuning import Tuning
    from render.renderer import pick_device

    check_target(latents)
    if not all(photos):
        raise PresetError("the name of a photo is empty")
    plan = Plan(space=how["space"], steps=how["steps"], seed=how["seed"])
    place = pick_device(how["device"])
    features = load_features(how["perceptual"]) if how["perceptual"] else None
    generator = open_model(model, quiet).to(place)
    network = generator.provenance.source
    tuned = how["tuned"]
    if tuned is None:
        tuned = tunes_small and (place.type != "cpu" or generator.resolution <= TUNED_BY_ITSELF)
    tuning = Tuning(steps=TUNING_STEPS, seed=plan.seed) if tuned else None
    picture = picture_beside(latents, photos) if has_picture else None
    wishes = Wishes(latents, plan, tuning, features, picture, how["film"], origin=origin_of(photos, network))
    spare([*photos, *read, network, *how["perceptual"], *how["mark_files"]], wishes, beside)
    if not how["force"]:
        keep(wishes, beside)

    def shows(title: str) -> Any:
        return progress(title, quiet, UNITS.get(title, "step" if fps is None else "frame"))

    targets, names, fps = opened(photos, generator, how, quiet)
    return sit(generator, model, targets, names, replace(wishes, fps=fps), shows)


def picture_beside(latents: Path, photos: tuple[str, ...]) -> Path:
    """NAME.png, or NAME-projected.png where the photo is called that."""
    picture = latents.with_suffix(".png")
    return picture.with_stem(f"{latents.stem}-projected") if are_same(picture, photos) else picture


def spare(read: Sequence[str | Path], wishes: Any, beside: tuple[Path, ...]) -> None:
    """Raises PresetError: one of the files that will be written is read."""
    for file in filter(None, (*wishes.files, wishes.film, *beside)):
        if are_same(file, read):
            raise PresetError(
                f"{file} is read, and would be written over; choose another name with -o or --video"
            )


def are_same(file: Path, others: Sequence[str | Path]) -> bool:
    """Whether a file is one of the others, under whatever name."""
    return file.exists() and any(Path(other).exists() and file.samefile(other) for other in others)


def keep(wishes: Any, beside: tuple[Path, ...]) -> None:
    """Raises PresetError: files would be replaced that are no earlier results of the same photographs."""
    from render.projection.origin import check_free, is_of, was_changed

    if beside and was_changed(beside[0], wishes.latents, wishes.origin):
        raise PresetError(
            f"{beside[0]} was changed since toonify wrote it; blendreel render {beside[0]} makes its film; "
            "to write it anew, choose another name with -o, or replace it with --force"
        )
    # A film tells nothing of photographs; it is taken for a result where its preset is one.
    known = beside[1:] if beside and is_of(beside[0], wishes.origin) else ()
    check_free([each for each in (*wishes.files, *beside) if each not in known], wishes.origin)


def opened(
    photos: tuple[str, ...], generator: Any, how: dict[str, Any], quiet: bool
) -> tuple[Any, list, Any]:
    """Photographs, or the frames of a film, at the network's size; their names; the film's rate or None."""
    from render.console import progress
    from render.projection.films import is_film, open_film
    from render.projection.photographs import open_photographs
    from render.timeline.rates import parse_fps

    find = finder(photos, how)
    films = [photo for photo in photos if is_film(photo)]
    if not films:
        if how["fps"]:
            raise PresetError("--fps is for a folder of frames, and there is none")
        return open_photographs(photos, generator, find), [Path(photo).stem for photo in photos], None
    if len(photos) > 1:
        raise PresetError(f"{films[0]} is a film; a film is projected by itself, without other pictures")
    if how["film"]:
        raise PresetError("--video films the search for photographs; the search for a film is not filmed")
    try:
        fps = parse_fps(how["fps"]) if how["fps"] else None
    except ValueError as error:
        raise PresetError(f"--fps: {error}") from None
    with progress("reading", quiet) as show:
        film = open_film(films[0], generator, fps, find, show)
    return film.frames, [f"frame {index}" for index in range(len(film.frames))], film.fps


def finder(photos: tuple[str, ...], how: dict[str, Any]) -> Any:
    """Where faces are: (number, picture, name) → landmarks; None where the pictures are cropped already."""
    from render.projection.align import read_landmarks, read_points
    from render.projection.faces import find_face

    given = [name for name, key in FACE_KEYS.items() if how[key]]
    if not given:
        return None
    if len(given) > 1:
        raise PresetError(f"give one of {', '.join(FACE_KEYS)}, not {' and '.join(given)}")
    if given == ["--align"]:
        return lambda number, picture, name: find_face(picture, name)
    values, read = how[FACE_KEYS[given[0]]], read_landmarks if given == ["--landmarks"] else read_points
    if len(values) != len(photos):
        often = "once" if len(values) == 1 else f"{len(values)} times"
        count = f"{len(photos)} photos" if len(photos) > 1 else "one photo"
        raise PresetError(f"{given[0]} is given {often} for {count}; give it once for each")
    marks = [read(value) for value in values]
    return lambda number, picture, name: marks[number if len(marks) > 1 else 0]


def name_of(photo: str) -> str:
    """What results are called where nothing is said; a folder of frames may be given as `.`."""
    return Path(photo).stem or Path(photo).resolve().stem or "me"


def tell(photos: tuple[str, ...], made: Any, quiet: bool) -> None:
    """How near each photograph came, or a film's frames on average."""
    if quiet:
        return
    if made.fps is None:
        for photo, (decibels, likeness) in zip(photos, made.scores, strict=True):
            click.echo(f"{photo}: PSNR {decibels:.1f} dB, SSIM {likeness:.3f}")
        for picture in made.files:
            if picture.suffix == ".png":
                click.echo(f"look at {picture}: what the network cannot draw is missing there")
        return
    decibels, likeness = (sum(column) / len(made.scores) for column in zip(*made.scores, strict=True))
    click.echo(
        f"{photos[0]}: {len(made.scores)} frames, {float(made.fps):g} a second: PSNR {decibels:.1f} dB, "
        f"SSIM {likeness:.3f}, flicker {made.flicker:.2f} levels"
    )
    click.echo(f"in a preset: latents: {{files: {made.files[0].name}, every: {1 / made.fps}s, path: linear}}")
