"""`blendreel explain A B`: what fine-tuning did, as a page or a picture, and what to try first."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from render.commands.models import fetch
from render.commands.options import device_option, offline_option, quiet_option
from render.commands.steps import announce
from render.errors import PresetError

DEFAULT = Path("explain.html")
MOST_SEEDS = 12


def read_seeds(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[int, ...] | None:
    """`0-5,9` as numbers."""
    if text is None:
        return None
    found: list[int] = []
    for item in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", item)
        if match is None:
            raise click.BadParameter(f"seeds are written as 0-5,9, not {text!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        found += range(first, min(last, first + MOST_SEEDS) + 1)
    if not 0 < len(found) <= MOST_SEEDS:
        raise click.BadParameter(f"a report shows 1 to {MOST_SEEDS} seeds, and {text!r} are others")
    return tuple(found)


@click.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--out",
    "-o",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A page (.html) or a picture (.png …); may be given again.  [default: explain.html]",
)
@click.option(
    "--preset",
    "preset",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write a preset to start from, FILE.yaml, for these two.",
)
@click.option(
    "--seeds", callback=read_seeds, metavar="0-5,9", help="Pictures shown.  [default: 2,3,14,15,26]"
)
@click.option(
    "--samples",
    type=click.IntRange(1, 10_000),
    default=16,
    show_default=True,
    help="Pictures that activations are measured on.",
)
@click.option("--truncation", type=click.FloatRange(-100, 100), default=0.7, show_default=True)
@click.option("--force", is_flag=True, help="Replace the preset if it is there.")
@device_option
@offline_option
@quiet_option
def explain(
    a: str,
    b: str,
    files: tuple[Path, ...],
    preset: Path | None,
    seeds: tuple[int, ...] | None,
    force: bool,
    quiet: bool,
    **how: Any,
) -> None:
    """Show how A became B, and which blends to try first.

    B was fine-tuned from A.

    \b
    blendreel explain sample:portrait sample:toon
    blendreel explain ffhq.pkl 'runs/toon/*.pkl' -o toon.html -o toon.png --preset toon.yaml

    A is the base, B was fine-tuned from it. Each is a path or whatever a preset's models may be. A folder, a
    pattern or a sample with snapshots is a training run: its last snapshot counts, and all of B's are shown.
    """
    if preset is not None:
        check_preset(preset, force)
    for source in (a, b):
        fetch(source, quiet)
    from render import explain as report
    from render.console import progress

    files = files or (DEFAULT,)
    with ExitStack() as stack:
        writers = [stack.enter_context(report.report_file(path)) for path in files]
        write_preset = stack.enter_context(report.text_file(preset)) if preset else None
        show = stack.enter_context(progress("explaining", quiet))
        seeds = seeds or report.SEEDS
        found = report.study(*report.open_sides(a, b), seeds=seeds, progress=show, **how)
        text = report.preset_text(found, preset.parent) if preset else None
        made = report.report_of(found)
        for write in writers:
            write(made)
        if write_preset and text:
            write_preset(text)
    if not quiet:
        for sentence in made.summary:
            click.echo(f"- {sentence}")
    announce([*files, *([preset] if preset else [])], quiet)


def check_preset(path: Path, force: bool) -> None:
    """Raises PresetError unless a preset can be written there."""
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise PresetError(f"{path}: a preset is written as .yaml; try {path.with_suffix('.yaml')}")
    if path.exists() and not force:
        raise PresetError(f"{path} exists already; choose another name, or replace it with --force")
