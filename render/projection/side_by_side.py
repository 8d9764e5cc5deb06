"""The picture at the end: each photograph, what was found, and the difference, made easy to see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from render.drawing import to_frames
from render.panels import contact_sheet
from render.projection.measures import psnr

MOST_FILMED = 8
STRONGER = 4  # a difference of 32 levels is half-way to white
MOST_ROWS = 24
LEAST_SIDE = 160  # pixels of a cell, so that labels can be read


def side_by_side(targets: Tensor, images: Tensor, names: Sequence[str]) -> Image.Image:
    """Photograph, reconstruction and difference × 4, a row for each of [N, C, H, W]; at most 24 rows."""
    decibels = psnr(images, targets).tolist()
    chosen = np.unique(np.linspace(0, len(targets) - 1, min(len(targets), MOST_ROWS)).round().astype(int))
    change = (images.clamp(-1, 1) - targets).abs() * STRONGER - 1  # [N, C, H, W]
    rows = [[to_frames(pictures[[index]])[0] for pictures in (targets, images, change)] for index in chosen]
    sheet = contact_sheet(
        rows,
        row_labels=[f"{names[index]}  {decibels[index]:.1f} dB" for index in chosen],
        column_labels=["photo", "projected", f"difference × {STRONGER}"],
        cell_height=max(LEAST_SIDE, targets.shape[2]),
    )
    return Image.fromarray(sheet)


def panel(targets: Tensor, images: Tensor) -> np.ndarray:
    """Photographs [N, C, H, W] above what is found of them, uint8 [H', W', 3]."""
    rows = [to_frames(pictures) for pictures in (targets, images)]
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0)
