"""The pictures of samples/README.md: each model, what it learnt from, its training, and the swaps.

python -m samples.figures            # writes samples/pictures/*.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import render
from render.checkpoints.library import resolve_series
from render.drawing import to_frames
from render.latents import seed_latents
from render.networks import Generator
from render.panels import contact_sheet
from samples import painter

PICTURES = Path(__file__).resolve().parent / "pictures"
SWAPS = (4, 8, 16, 32, 64, 128, 256)
SEEDS = (2, 3, 14, 15, 26, 35, 92)
ROWS, COLUMNS = 4, 8


def pictures(generator: Generator, ws: torch.Tensor) -> list[np.ndarray]:
    """uint8 [H, W, 3] for each of `ws` [N, num_ws, w_dim]."""
    return list(to_frames(generator.synthesis(ws)))


def latents(generator: Generator, seeds, psi: float = 0.7) -> torch.Tensor:
    """ws of NumPy seeds, in this network's mapping."""
    return generator.mapping(torch.from_numpy(seed_latents(seeds, generator.z_dim)), truncation_psi=psi)


def rows_of(flat: list[np.ndarray], columns: int) -> list[list[np.ndarray]]:
    return [flat[start : start + columns] for start in range(0, len(flat), columns)]


def model_sheet(style: str) -> np.ndarray:
    """Seeds 0 to 31 of one model, truncation 0.7: what a preset shows."""
    generator = render.load(f"sample:{style}")
    return contact_sheet(rows_of(pictures(generator, latents(generator, range(ROWS * COLUMNS))), COLUMNS))


def painted_sheet() -> np.ndarray:
    """The painter's own pictures: a row of each style, the same people."""
    people = painter.sample_parameters(COLUMNS, seed=1)
    resolution = render.load("sample:portrait").resolution
    rows = [list(to_frames(painter.paint(people, style, resolution))) for style in painter.STYLES]
    return contact_sheet(rows, row_labels=list(painter.STYLES))


def swap_sheet(low_name: str, high_name: str) -> np.ndarray:
    """Rows: seeds, in the mapping of `low`. Columns: the resolution from which `high` takes over."""
    low, high = render.load(f"sample:{low_name}"), render.load(f"sample:{high_name}")
    ws = latents(low, SEEDS)
    columns = [pictures(render.blend(low, high, swap), ws) for swap in SWAPS]
    names = [str(swap) for swap in SWAPS]
    names[0], names[-1] = f"4 = {high_name}", f"{SWAPS[-1]} = {low_name}"
    return contact_sheet([list(row) for row in zip(*columns, strict=True)], column_labels=names)


def training_sheet(style: str) -> np.ndarray:
    """Rows: seeds, in the mapping of portrait. Columns: snapshots by kimg."""
    ws = latents(render.load("sample:portrait"), SEEDS[:5])
    series = resolve_series(f"sample:{style}")
    columns = [pictures(render.load(path), ws) for _, path in series]
    names = [f"{kimg:g} kimg" for kimg, _ in series]
    return contact_sheet([list(row) for row in zip(*columns, strict=True)], column_labels=names)


FIGURES = {
    "painted": painted_sheet,
    **{style: (lambda style=style: model_sheet(style)) for style in painter.STYLES},
    "swap-portrait-ukiyoe": lambda: swap_sheet("portrait", "ukiyoe"),
    "swap-ukiyoe-portrait": lambda: swap_sheet("ukiyoe", "portrait"),
    "swap-portrait-toon": lambda: swap_sheet("portrait", "toon"),
    "swap-toon-portrait": lambda: swap_sheet("toon", "portrait"),
    "training-ukiyoe": lambda: training_sheet("ukiyoe"),
    "training-toon": lambda: training_sheet("toon"),
}


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the pictures of samples/README.md.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(FIGURES)}")
    options = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    for name in options.names or FIGURES:
        path = PICTURES / f"{name}.png"
        Image.fromarray(FIGURES[name]()).save(path, optimize=True)
        print(path.relative_to(PICTURES.parent.parent), flush=True)


if __name__ == "__main__":
    main()
