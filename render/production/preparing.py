"""Before the first frame of a film: machine code for its networks, where that is worth its while."""

from __future__ import annotations

import time
from collections.abc import Callable

from render.networks.cpu import CpuLibrary
from render.renderer import Renderer

# Pixels of a network's pictures from which on more time is saved on two cores than compiling takes, 15 to 20
# seconds (trials): pictures of 256 px took 195, 113, 1,195 ms without the code, and 61, 43, 253 with it.
WORTH_COMPILING = {"stylegan1": 2 * 10**7, "stylegan2": 2 * 10**7, "stylegan3": 2 * 10**6}


def prepare_code(renderer: Renderer, frame_count: int, tell: Callable[[str], None]) -> bool:
    """Compile what the networks need on this processor, once for all later films, if this one is long.

    Returns whether that was done: renderers made from now on are faster.
    """
    synthesis = renderer.drawer.synthesis
    width, height = renderer.picture_size
    work = frame_count * len(renderer.scene.panels) * width * height
    where = renderer.drawer.device, synthesis.precision.dtype
    is_worth_it = where[0].type == "cpu" and work >= WORTH_COMPILING[synthesis.architecture]
    if not is_worth_it or synthesis.library is not None:
        return False
    tell("compiling the networks' code for this processor, once; it takes some 20 seconds")
    began = time.monotonic()
    if CpuLibrary.find(True, *where) is None:
        return False
    tell(f"compiled in {time.monotonic() - began:.0f} s")
    return True
