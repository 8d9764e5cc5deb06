"""Before the first frame of a film: machine code for its networks, where that is worth its while."""

from __future__ import annotations

import time
from collections.abc import Callable

from render.networks.cpu import CpuLibrary
from render.renderer import Renderer

# Pixels of a network's pictures: about a minute of drawing on two cores without the code, half of one with.
WORTH_COMPILING = 2 * 10**7


def prepare_code(renderer: Renderer, frame_count: int, tell: Callable[[str], None]) -> bool:
    """Compile what the networks need on this processor, once for all later films, if this one is long.

    Returns whether that was done: renderers made from now on are faster.
    """
    synthesis = renderer.drawer.synthesis
    width, height = renderer.picture_size
    work = frame_count * len(renderer.scene.panels) * width * height
    where = renderer.drawer.device, synthesis.precision.dtype
    can_use = synthesis.architecture == "stylegan2" and where[0].type == "cpu"
    if work < WORTH_COMPILING or not can_use or synthesis.library is not None:
        return False
    tell("compiling the networks' code for this processor, once; it takes some 20 seconds")
    began = time.monotonic()
    if CpuLibrary.find(True, *where) is None:
        return False
    tell(f"compiled in {time.monotonic() - began:.0f} s")
    return True
