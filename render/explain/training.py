"""A training run from snapshot to snapshot: the same latents in each, and how far it had come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from render.blending.blender import check_structure
from render.blending.kinship import compare
from render.checkpoints.load import load
from render.explain.swaps import cells_of, distance, pictures_of
from render.networks import Generator

MOST_SNAPSHOTS = 8


@dataclass(frozen=True, eq=False)
class Training:
    """Snapshots of b on its way from a.

    kimgs      of the snapshots that are shown, rising
    pictures   [seeds][snapshots], each uint8 [H, W, 3]
    distances  by snapshot: layer's name → relative distance of its weights from those of a
    way        by snapshot: distance of its pictures from those of a, where the last snapshot lies at 1
    """

    kimgs: tuple[float, ...]
    pictures: tuple[tuple[np.ndarray, ...], ...]
    distances: tuple[dict[str, float], ...]
    way: tuple[float, ...]


def shown_snapshots(snapshots: Sequence[tuple[float, Path]]) -> list[tuple[float, Path]]:
    """At most MOST_SNAPSHOTS, evenly among them; the first and the last always."""
    count = min(len(snapshots), MOST_SNAPSHOTS)
    return [snapshots[round(index)] for index in np.linspace(0, len(snapshots) - 1, count)]


@torch.inference_mode()
def training_of(
    a: Generator,
    snapshots: Sequence[tuple[float, Path]],
    ws: Tensor,
    drawn: Callable[[int], None] | None = None,
) -> Training:
    """The snapshots on latents `ws` [N, num_ws, w_dim] of `a`. Only one of them is in memory at a time.

    drawn  called with the number of pictures that were drawn since the last call

    Raises BlendError if a snapshot's structure is not that of `a`, and CheckpointError if one can't be read.
    """
    start = pictures_of(a, ws)
    columns, distances, apart = [], [], []
    for _, path in snapshots:
        model = load(path, device=ws.device).use_shared_weights()
        check_structure([a, model])
        images = pictures_of(model, ws)
        columns.append(cells_of(images))
        apart.append(distance(images, start))
        distances.append({layer.name: layer.distance for layer in compare(a, model).layers})
        if drawn:
            drawn(len(ws))
    way = tuple(each / apart[-1] if apart[-1] else 0.0 for each in apart)
    kimgs = tuple(kimg for kimg, _ in snapshots)
    return Training(kimgs, tuple(zip(*columns, strict=True)), tuple(distances), way)
