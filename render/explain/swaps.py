"""Swap sheets: the same seeds for every level of the swap, and how far pictures are from either network's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from render.batch_sizes import modest_batch
from render.blending.blend import Blend
from render.blending.blender import Blender
from render.drawing import to_frames
from render.networks import Generator
from render.networks.generator import Layer
from render.pixels import resized

LARGEST_CELL = 192  # pixels of a picture's height in a sheet
FEWEST_RESOLUTIONS = 3  # a network with fewer is swapped layer by layer
MOST_SWAPS = 12


@dataclass(frozen=True)
class Swap:
    """A level at which `high` takes over.

    label     as presets write it: `32`, or `L7`
    position  0: all of high; as many as there are layers: all of low
    """

    label: str
    position: int


@dataclass(frozen=True, eq=False)
class SwapSheet:
    """Blends of two networks at rising swaps, from all of `high` to all of `low`.

    low, high   what they are called
    swaps       the columns
    pictures    [seeds][swaps], each uint8 [H, W, 3], at most LARGEST_CELL high
    from_low    by swap: distance of the blend's pictures from those of low, where high lies at 1
    from_high   the same, from those of high
    steps       by swap but the last: distance to the pictures of the next swap, on the same scale: what the
                layers from this swap up to the next do to the picture
    apart       distance of low's pictures from high's: root mean square, where white and black are 2 apart
    """

    low: str
    high: str
    swaps: tuple[Swap, ...]
    pictures: tuple[tuple[np.ndarray, ...], ...]
    from_low: tuple[float, ...]
    from_high: tuple[float, ...]
    steps: tuple[float, ...]
    apart: float


def swaps_of(layers: Sequence[Layer]) -> tuple[Swap, ...]:
    """The swaps worth showing: one for each resolution, or each layer where resolutions are few."""
    first = {layer.resolution: layer.position for layer in reversed(layers)}
    points = [Swap(str(resolution), position) for resolution, position in sorted(first.items())]
    if len(points) < FEWEST_RESOLUTIONS:
        points = [Swap(layer.name, layer.position) for layer in layers]
    kept = np.unique(np.linspace(0, len(points) - 1, min(len(points), MOST_SWAPS)).round().astype(int))
    return *(points[index] for index in kept), Swap(str(2 * max(first)), len(layers))


@torch.inference_mode()
def swap_sheet(
    low: Generator,
    high: Generator,
    names: tuple[str, str],
    z: Tensor,
    truncation: float,
    drawn: Callable[[int], None] | None = None,
) -> SwapSheet:
    """Blends of `low` and `high` on latents z [N, z_dim], which go through the mapping of `low`.

    drawn  called with the number of pictures that were drawn since the last call
    """
    ws = low.mapping(z, truncation_psi=truncation)
    swaps, blender = swaps_of(low.layers), Blender([low, high])
    shell = blender.apply(Blend.only(0, 2, blender.layer_count)).use_shared_weights()

    def draw(swap: Swap) -> Tensor:
        blend = Blend.low_high(blender.layer_count, swap.position)
        images = pictures_of(blender.apply(blend, into=shell), ws)
        if drawn:
            drawn(len(ws))
        return images

    ends = draw(swaps[-1]), draw(swaps[0])
    apart = distance(*ends)
    columns, steps, before = [], [], None
    from_low, from_high = [], []
    for index, swap in enumerate(swaps):
        images = {0: ends[1], len(swaps) - 1: ends[0]}.get(index)
        images = draw(swap) if images is None else images
        columns.append(cells_of(images))
        from_low.append(_share(distance(images, ends[0]), apart))
        from_high.append(_share(distance(images, ends[1]), apart))
        if before is not None:
            steps.append(_share(distance(before, images), apart))
        before = images
    rows = tuple(zip(*columns, strict=True))
    return SwapSheet(*names, swaps, rows, tuple(from_low), tuple(from_high), tuple(steps), apart)


def pictures_of(generator: Generator, ws: Tensor) -> Tensor:
    """Pictures float32 [N, C, H, W] in [-1, 1], drawn in batches of a modest size."""
    batches = ws.split(modest_batch(ws.device, *generator.picture_size))
    return torch.cat([generator.synthesis(batch, noise_mode="const").clamp(-1, 1) for batch in batches])


def cells_of(images: Tensor) -> list[np.ndarray]:
    """Pictures [N, C, H, W] as cells of a sheet, uint8 [h, w, 3]."""
    height, width = images.shape[-2:]
    size = (max(1, round(width * min(1, LARGEST_CELL / height))), min(height, LARGEST_CELL))
    return [resized(frame, size) for frame in to_frames(images)]


def distance(first: Tensor, second: Tensor) -> float:
    """Root mean square of the difference of pictures [N, C, H, W]."""
    return float((first - second).square().mean().sqrt())


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
