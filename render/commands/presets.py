"""`blendreel new`, `check` and `schema`: presets before anything is rendered."""

from __future__ import annotations

import json
from pathlib import Path

import click

from render.commands.options import preset_argument, sandbox_option, set_option
from render.commands.steps import load_preset, pointing
from render.console import plain
from render.errors import PresetError
from render.reach import placed

_PACKAGE = Path(__file__).resolve().parents[1]


@click.command()
@preset_argument
@set_option
@click.option("--frame", type=int, metavar="N", help="Tell all about frame N instead; -1 is the last one.")
@sandbox_option
def check(preset: str, overrides: tuple[str, ...], frame: int | None) -> None:
    """Explain PRESET and find its mistakes, without rendering.

    Of a film, print what it says of its making.
    """
    from render.encoding import is_film

    if is_film(preset):
        click.echo(plain(words_of_film(preset)), nl=False)
        return
    from render.report import describe, describe_frame

    loaded = load_preset(preset, True, overrides)
    with pointing(loaded):
        click.echo(plain(describe(loaded) if frame is None else describe_frame(loaded, frame)))


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("morph.yaml"))
def new(file: Path) -> None:
    """Write a commented preset to start from, as FILE.  [default: morph.yaml]"""
    if file.name in ("", ".."):
        raise PresetError(f"{file} is a folder; name a file in it, such as {file / 'morph.yaml'}")
    path = file if file.suffix else file.with_suffix(".yaml")
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise PresetError(f"{path}: a preset is written as .yaml; try {path.with_suffix('.yaml')}")
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write((_PACKAGE / "preset" / "starter.yaml").read_text(encoding="utf-8"))
    except FileExistsError:
        raise PresetError(f"{path} exists already; choose another name") from None
    except OSError as error:
        raise PresetError(f"{path}: cannot be written: {error.strerror}") from None
    click.echo(f"wrote {path}; now: blendreel render {path}")


@click.command()
@click.option("--out", "-o", "file", type=click.Path(path_type=Path), help="Write it to this file instead.")
def schema(file: Path | None) -> None:
    """Print the JSON Schema of presets, for editors.

    \b
    A preset that begins with this line is completed and checked as it is written:
    # yaml-language-server: $schema=preset.schema.json
    """
    from render.preset import preset_schema

    text = json.dumps(preset_schema(), indent=2, ensure_ascii=False) + "\n"
    if file is None:
        click.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PresetError(f"{file}: cannot be written: {error.strerror}") from None
    click.echo(
        f"wrote {file}; now begin a preset beside it with: # yaml-language-server: $schema={file.name}"
    )


def words_of_film(name: str) -> str:
    """What a film says of its making. Raises PresetError if that is nothing."""
    from render.encoding import read_tags

    if Path(name).is_dir():
        raise PresetError(f"{name}: this is a folder; name a preset or a film in it")
    words = read_tags(placed(Path(), name)).comment
    if not words:
        raise PresetError(f"{name} says nothing of its making")
    return words
