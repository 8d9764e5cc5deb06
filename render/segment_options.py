"""Options of commands that render in segments, and what a person hears of such a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from render.production import Manner

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
        help="Go on with what an interrupted render left, or make everything anew.  [default: resume]",
    ),
    click.option(
        "--allow-broken", is_flag=True, help="Go on where a picture has no numbers or one colour only."
    ),
)


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
