"""Before the first frame of a film: machine code for its networks, where that is worth its while."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from render.networks.compiling import COMPILED
from render.networks.cpu import CpuLibrary
from render.networks.fast import fast
from render.renderer import Renderer

# Pixels of a network's pictures from which on more time is saved on two cores than compiling takes, 15 to 20
# seconds (trials): pictures of 256 px took 195, 113, 1,195 ms without the code, and 61, 43, 253 with it.
WORTH_COMPILING = {"stylegan1": 2 * 10**7, "stylegan2": 2 * 10**7, "stylegan3": 2 * 10**6}
# On a GPU, so many times as many. It was reckoned, for none was at hand: one pass over memory instead of six
# moves 5 to 10 kB less for each pixel of StyleGAN2's, and of 4·10⁹ pixels that is half a minute at 1 TB/s.
TIMES_ON_GPU = 200


def prepare_code(renderer: Renderer, frame_count: int, tell: Callable[[str], None]) -> bool:
    """Compile what the networks need on this processor, once for all later films, if this one is long.

    Returns whether that was done and renderers must be made anew to be faster.
    """
    synthesis = renderer.drawer.synthesis
    width, height = renderer.picture_size
    work, worth = frame_count * len(renderer.scene.panels) * width * height, WORTH_COMPILING
    if renderer.drawer.device.type == "cuda" and work >= TIMES_ON_GPU * worth[synthesis.architecture]:
        _compile_for_gpu(renderer, tell)
        return False
    where = renderer.drawer.device, synthesis.precision.dtype
    is_worth_it = where[0].type == "cpu" and work >= worth[synthesis.architecture]
    if not is_worth_it or synthesis.library is not None:
        return False
    tell("compiling the networks' code for this processor, once; it takes some 20 seconds")
    began = time.monotonic()
    if CpuLibrary.find(True, *where) is None:
        return False
    tell(f"compiled in {time.monotonic() - began:.0f} s")
    return True


def _compile_for_gpu(renderer: Renderer, tell: Callable[[str], None]) -> None:
    """Draw two pictures with kernels that `torch.compile` makes; whoever draws afterwards finds them."""
    drawer, model = renderer.drawer, renderer.scene.model
    tell("compiling kernels for this GPU; PyTorch keeps them for later films")
    began = time.monotonic()
    shape = 2, model.num_ws, model.w_dim
    ws = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    fast(model, drawer.synthesis.precision.name, compiled=True)(ws, resolution=drawer.resolution)
    if COMPILED.serves("cuda"):
        tell(f"compiled in {time.monotonic() - began:.0f} s")
