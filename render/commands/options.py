"""The options that several commands have, each with its help said once."""

from __future__ import annotations

from pathlib import Path

import click

from render.reach import sandbox


def forbid_network(context: click.Context) -> None:
    """Keep this command from fetching anything."""
    from render.checkpoints.download import no_network

    context.with_resource(no_network())


def confine(context: click.Context, folder: Path) -> None:
    """Keep this command within a folder."""
    context.with_resource(sandbox(folder))


preset_argument = click.argument("preset", metavar="PRESET")
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PLACE=VALUE",
    help="Set a value over the preset's, such as blend.swap=32 or 'outputs[0].fps=12'; null takes one out. "
    "May be given again and again.",
)
device_option = click.option(
    "--device", metavar="NAME", help="cuda, mps or cpu.  [default: the best there is]"
)
batch_option = click.option("--batch-size", type=click.IntRange(min=1), help="Pictures drawn at once.")
offline_option = click.option(
    "--offline",
    is_flag=True,
    expose_value=False,
    callback=lambda context, _, given: forbid_network(context) if given else None,
    help="Never touch the network: models on the web must have been fetched before.",
)
sandbox_option = click.option(
    "--sandbox",
    type=click.Path(path_type=Path),
    metavar="DIR",
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, folder: confine(context, folder) if folder else None,
    help="For a preset from elsewhere: read and write files in DIR alone, and fetch nothing.",
)
precision_option = click.option(
    "--precision",
    type=click.Choice(["exact", "fast", "auto"]),
    help="How pictures are computed, whatever the preset says: exact in float32, fast in a short format "
    "where the hardware has one.",
)
private_option = click.option(
    "--private", is_flag=True, help="Say nothing in the files of how they were made."
)
quiet_option = click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
folder_option = click.option(
    "--out-dir",
    type=click.Path(path_type=Path),
    help="Where the files go.  [default: here, or the sandbox]",
)
