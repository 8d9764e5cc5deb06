"""The command `blendreel`. Each command is a few calls of the package; torch is imported only to render."""

from __future__ import annotations

import difflib
import importlib
import json
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import click

from render.console import plain
from render.errors import BlendreelError, BlendreelWarning, PresetError
from render.options import (
    batch_option,
    device_option,
    folder_option,
    offline_option,
    precision_option,
    preset_argument,
    private_option,
    quiet_option,
    sandbox_option,
    set_option,
)
from render.reach import default_folder, placed
from render.segment_options import is_default, manner_of, segment_options, share_of, share_options

INTERRUPTED = 130
PREVIEW_FPS, PREVIEW_SIZE = 12, 128
_PACKAGE = Path(__file__).resolve().parent


class Group(click.Group):
    """Turns our errors into their own text and exit code, and Ctrl-C into 130: no traceback for a mistake.

    Our warnings become lines on stderr. `elsewhere` names commands that lie in modules of their own.
    """

    elsewhere: ClassVar[dict[str, str]] = {}

    def main(self, *args: Any, **options: Any) -> Any:
        try:
            with spoken_warnings(), orderly_signals():
                return super().main(*args, **(options | {"standalone_mode": False}))
        except click.exceptions.Exit as finished:
            sys.exit(finished.exit_code)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except BlendreelError as error:
            click.echo(plain(error), err=True)
            sys.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort) as error:
            # click turns the one into the other, and keeps what it was.
            told = str(error.__cause__ or error)
            click.echo(told or "interrupted; nothing half-written was left behind", err=True)
            sys.exit(INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*self.commands, *self.elsewhere])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.elsewhere:
            return getattr(importlib.import_module(self.elsewhere[cmd_name]), cmd_name)
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            names = self.list_commands(ctx)
            near = difflib.get_close_matches(args[0], names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
            raise click.UsageError(f"unknown command {args[0]!r}; {hint}", ctx) from None


@contextmanager
def orderly_signals() -> Iterator[None]:
    """Treat a request to end (`kill`, a closed terminal) like Ctrl-C: what is half-written is removed."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    names = ("SIGTERM", "SIGHUP") if threading.current_thread() is threading.main_thread() else ()
    found = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # A process started with nohup ignores SIGHUP, and goes on doing so.
    before = {each: signal.getsignal(each) for each in found if signal.getsignal(each) == signal.SIG_DFL}
    for each in before:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class MainGroup(Group):
    """The command itself."""

    elsewhere: ClassVar[dict[str, str]] = {
        "models": "render.models_cli",
        "channels": "render.channels_cli",
        "grid": "render.figure_cli",
        "pairs": "render.figure_cli",
        "explain": "render.explain_cli",
        "join": "render.work_cli",
        "clean": "render.work_cli",
        "sheet": "render.sheet_cli",
        "project": "render.projection_cli",
        "toonify": "render.projection_cli",
        "bench": "render.bench_cli",
    }


@contextmanager
def spoken_warnings() -> Iterator[None]:
    """Our warnings, each time they arise, as lines on stderr; those of others stay as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", BlendreelWarning)
        show = warnings.showwarning

        def speak(message: Warning | str, category: type[Warning], *place: Any, **where: Any) -> None:
            if issubclass(category, BlendreelWarning):
                click.echo(plain(f"warning: {message}"), err=True)
            else:
                show(message, category, *place, **where)

        warnings.showwarning = speak
        yield


@click.group(
    cls=MainGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="blendreel", prog_name="blendreel")
def main() -> None:
    """Morphing videos out of StyleGAN network blending.

    \b
    blendreel new morph.yaml          write a preset to start from
    blendreel render morph.yaml       make its films
    blendreel render hello            …or one that comes with the project
    """


@main.command()
@preset_argument
@set_option
@click.option("--out", "-o", "files", multiple=True, help="Write this file instead of the preset's outputs.")
@folder_option
@device_option
@batch_option
@click.option(
    "--again", is_flag=True, help="PRESET is a film: make it once more, from what it says of itself."
)
@precision_option
@private_option
@segment_options
@share_options
@offline_option
@sandbox_option
@quiet_option
def render(
    preset: str,
    overrides: tuple[str, ...],
    files: tuple[str, ...],
    out_dir: Path | None,
    again: bool,
    precision: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Render PRESET to the files it names.

    A film of more than one segment keeps finished segments beside it until it is whole: after an
    interruption the same command goes on with them. Ctrl-C finishes a segment first; twice, it stops at once.

    \b
    blendreel render hello                            a preset that comes with the project
    blendreel render morph.yaml -o morph.webm         another file
    blendreel render morph.mp4 --again -o copy.mp4    the same film, from the film itself
    """
    overrides += (f"precision={precision}",) if precision else ()
    if again:
        from render.production import Retake, remake

        if quiet:
            warnings.simplefilter("ignore", BlendreelWarning)
        retake = Retake.of(preset, overrides)
        loaded = retake.preset
    else:
        loaded = load_preset(preset, quiet, overrides)
    fetch_models(loaded, quiet)
    from render import production
    from render.processors import shared_processors

    with pointing(loaded), manner_of("rendering", quiet) as manner:
        options |= {"manner": manner, "share": share_of(options)}
        if options["share"].is_alone:  # others share the processors on purpose
            click.get_current_context().with_resource(shared_processors(manner.tell))
        if again:
            if is_default("segment_frames"):
                del options["segment_frames"]
            paths = remake(retake, *files, out_dir=out_dir, **options)
        else:
            paths = production.render(loaded, *files, out_dir=out_dir or default_folder(), **options)
    announce(paths, quiet)


@main.command()
@preset_argument
@set_option
@click.option("--out", "-o", "file", help="Name of the preview.  [default: PRESET-preview.mp4]")
@click.option(
    "--size", type=click.IntRange(min=8), default=PREVIEW_SIZE, show_default=True, help="Pixels a picture."
)
@folder_option
@private_option
@device_option
@offline_option
@sandbox_option
@quiet_option
def preview(
    preset: str,
    overrides: tuple[str, ...],
    file: str | None,
    size: int,
    out_dir: Path | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Render PRESET small and quick, to see whether the motion is right."""
    from render.console import progress

    loaded = load_preset(preset, quiet, overrides)
    fetch_models(loaded, quiet)
    output = {"file": file or f"{Path(preset).stem}-preview.mp4", "fps": min(loaded.clip.fps, PREVIEW_FPS)}
    from render import production

    with pointing(loaded), progress("preview", quiet) as show:
        paths = production.render(
            loaded.replace(outputs=(output,)),
            out_dir=out_dir or default_folder(),
            resolution=size,
            progress=show,
            **options,
        )
    announce(paths, quiet)


@main.command()
@preset_argument
@set_option
@click.option("--frame", type=int, metavar="N", help="Tell all about frame N instead; -1 is the last one.")
@sandbox_option
def check(preset: str, overrides: tuple[str, ...], frame: int | None) -> None:
    """Explain PRESET, and find its mistakes, without rendering anything.

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


@main.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("morph.yaml"))
def new(file: Path) -> None:
    """Write a commented preset to start from, as FILE.  [default: morph.yaml]"""
    if file.name in ("", ".."):
        raise PresetError(f"{file} is a folder; name a file in it, such as {file / 'morph.yaml'}")
    path = file if file.suffix else file.with_suffix(".yaml")
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


@main.command()
@click.option("--out", "-o", "file", type=click.Path(path_type=Path), help="Write it to this file instead.")
def schema(file: Path | None) -> None:
    """Print the JSON Schema of presets, for editors that complete and check them.

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

    words = read_tags(placed(Path(), name)).comment
    if not words:
        raise PresetError(f"{name} says nothing of its making")
    return words


@contextmanager
def pointing(preset: Any) -> Iterator[None]:
    """What goes wrong with values of the preset is told with their places in its file."""
    try:
        yield
    except BlendreelError as error:
        error.args = (preset.pointed(str(error)),)
        raise


def load_preset(name: str, quiet: bool, overrides: tuple[str, ...] = ()) -> Any:
    """The preset in the file `name`, or the shipped one of that name; its warnings go to stderr."""
    from render.preset import Preset

    preset = Preset.load(name, overrides)
    if quiet:
        warnings.simplefilter("ignore", BlendreelWarning)  # until the command ends, see `spoken_warnings`
    else:
        for warning in preset.warnings():
            click.echo(plain(f"warning: {warning}"), err=True)
    return preset


def fetch_models(preset: Any, quiet: bool) -> None:
    """Fetch the preset's models that lie on the web, unless they are here already."""
    from render.checkpoints.library import is_remote, resolve
    from render.console import transfers

    remote = {name: source for name, source in preset.models.items() if is_remote(source.source)}
    if not remote:
        return
    with pointing(preset), transfers(quiet) as show:
        for name, source in remote.items():
            try:
                resolve(source.source, preset.base_dir, sha256=source.sha256, progress=show)
            except BlendreelError as error:
                raise type(error)(f"models.{name}: {error}") from error


def announce(paths: list[Path], quiet: bool) -> None:
    """Say what was made and how large it is."""
    from render.console import size_text

    if not quiet:
        for path in paths:
            files = list(path.iterdir()) if path.is_dir() else [path]
            count = f"{len(files)} pictures, " if path.is_dir() else ""
            size = size_text(sum(file.stat().st_size for file in files))
            click.echo(plain(f"{path}  {count}{size}"))
