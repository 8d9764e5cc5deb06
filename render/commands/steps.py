"""What many commands do: read a preset, fetch its models, say what was made."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from render.console import plain
from render.errors import BlendreelError, BlendreelWarning


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


def warn_of_models(preset: Any, quiet: bool) -> None:
    """Tell what its models' headers show that may not be meant, as `check` does. They must be fetched."""
    from render.report import find_models, model_warnings

    if quiet:
        return
    try:
        found = model_warnings(preset, find_models(preset))
    except BlendreelError:
        return  # who opens them tells it better
    for warning in found:
        click.echo(plain(f"warning: {warning}"), err=True)


def announce(paths: list[Path], quiet: bool) -> None:
    """Say what was made and how large it is."""
    from render.console import size_text

    if not quiet:
        for path in paths:
            files = list(path.iterdir()) if path.is_dir() else [path]
            count = f"{len(files)} pictures, " if path.is_dir() else ""
            size = size_text(sum(file.stat().st_size for file in files))
            click.echo(plain(f"{path}  {count}{size}"))
