"""The command `blendreel`. Each command is a few calls of the package; torch is imported only to render."""

from __future__ import annotations

from typing import ClassVar

import click

from render.commands.group import Group


class MainGroup(Group):
    """The command itself: it imports a module when one of its commands is called."""

    elsewhere: ClassVar[dict[str, str]] = {
        "render": "render.commands.rendering",
        "preview": "render.commands.rendering",
        "check": "render.commands.presets",
        "new": "render.commands.presets",
        "schema": "render.commands.presets",
        "models": "render.commands.models",
        "channels": "render.commands.channels",
        "grid": "render.commands.figures",
        "pairs": "render.commands.figures",
        "explain": "render.commands.explain",
        "join": "render.commands.work",
        "clean": "render.commands.work",
        "sheet": "render.commands.sheet",
        "project": "render.commands.photographs",
        "toonify": "render.commands.photographs",
        "bench": "render.commands.bench",
    }


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
