"""Measures how fast networks draw, in parts, each against what it is compared with and in turns with it.

Figures of one run are comparable; across runs and machines their ratios are. The quickest of several turns
counts, so that a busy machine disturbs all alike. `PARTS` is known without torch.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from render.bench.report import Figure, Report
from render.errors import PresetError

if TYPE_CHECKING:
    from render.networks import Generator

# Name of a part, and of its module here → what it measures.
PARTS = {
    "draw": "one network: the plain path against exact and fast, as shares of the ceiling",
    "quality": "how near exact is to the plain path, and fast to exact",
    "sweep": "a swap sweep over one latent, with and without reuse",
    "blend": "what mixing weights and preparing them takes of a frame",
    "preview": "small pictures against full ones",
    "encode": "MP4 of such frames",
    "clip": "a swap sweep end to end, against the plain path and the renderer alone",
    "memory": "the peak of a short clip and of one ten times as long",
    "growth": "more frames, panels and models",
    "neighbours": "a render beside another one on the same machine",
}

__all__ = ["PARTS", "Figure", "Report", "bench", "chosen_parts"]


def chosen_parts(names: Iterable[str]) -> tuple[str, ...]:
    """These parts in their order, or all. Raises PresetError for one that is not there."""
    names = tuple(names) or tuple(PARTS)
    for name in names:
        if name not in PARTS:
            raise PresetError(f"there is no part {name!r} to measure; there are {', '.join(PARTS)}")
    return tuple(name for name in PARTS if name in names)


def bench(
    generator: Generator, parts: Iterable[str] = (), *, is_quick: bool = False, compiled: bool | None = True
) -> Report:
    """Measure one network on its device.

    parts     of PARTS; by default all. Raises PresetError for one that is not there
    is_quick  one turn, of little: to see that all works, and roughly how it stands
    compiled  as in `render.networks.fast.fast`
    """
    from render.bench.ceiling import machine
    from render.bench.subject import Subject

    chosen = chosen_parts(parts)
    subject = Subject(generator, is_quick, compiled)
    figures = []
    for name in chosen:
        figures += importlib.import_module(f"render.bench.{name}").figures(subject)
    return Report(machine(subject), tuple(figures))
