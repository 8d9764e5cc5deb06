"""How near generated pictures are to painted ones: the Fréchet distance of two sets of features.

Heusel et al. 2017 measure ‖μ₁−μ₂‖² + tr(C₁ + C₂ − 2·√(C₁C₂)) on features of an Inception network. Its
weights can't be fetched everywhere, so the features here come from a fixed stand-in: a four-stage
convolutional network whose random weights are drawn once from seed 0, averaged over a 2×2 grid after each
stage (192 numbers a picture). Distances compare with each other, not with published FIDs; the table gives
a floor (two sets of paintings) and a ceiling (another style) to read them by.

    python -m samples.frechet            # a row for every style; some minutes on two CPU cores
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy.linalg
import torch
import torch.nn.functional as F
from torch import Tensor

import render
from samples import painter

WIDTHS = (3, 8, 16, 12, 12)


def random_features(images: Tensor) -> Tensor:
    """images [N, 3, R, R] in [-1, 1] → features [N, 192], by the fixed random network."""
    draw = torch.Generator().manual_seed(0)
    x = F.adaptive_avg_pool2d(images, 64)
    features = []
    for inputs, outputs in pairwise(WIDTHS):
        weight = torch.randn(outputs, inputs, 3, 3, generator=draw) / (inputs * 9) ** 0.5
        x = F.avg_pool2d(F.leaky_relu(F.conv2d(x, weight, padding=1), 0.2) * 2**0.5, 2)
        features.append(F.adaptive_avg_pool2d(x, 2).flatten(1))
    return torch.cat(features, dim=1)


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of two Gaussians fitted to features `a [N, F]` and `b [M, F]`."""
    covariance_a, covariance_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(covariance_a @ covariance_b).real
    means = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    return float(means + np.trace(covariance_a + covariance_b - 2 * root))


def collect(draw: Callable[[int, int], Tensor], count: int, batch: int = 16) -> np.ndarray:
    """Features [count, F] of pictures drawn in batches by `draw(seed, count)`."""
    with torch.no_grad():
        rows = [random_features(draw(seed, batch)) for seed in range(count // batch)]
    return torch.cat(rows).double().numpy()


def painted(style: str, resolution: int, offset: int) -> Callable[[int, int], Tensor]:
    """Paintings of that style that training never saw (seeds from `offset` on)."""
    return lambda seed, count: painter.paint(
        painter.sample_parameters(count, seed=offset + seed), style, resolution
    )


def generated(generator: render.Generator) -> Callable[[int, int], Tensor]:
    """Pictures of a network, without truncation."""

    def draw(seed: int, count: int) -> Tensor:
        z = torch.randn(count, generator.z_dim, generator=torch.Generator().manual_seed(seed))
        return generator(z).clamp(-1, 1)

    return draw


def main() -> None:
    parser = argparse.ArgumentParser(description="Fréchet distances of the sample models to the painter.")
    parser.add_argument("--count", type=int, default=2000, help="pictures a set")
    parser.add_argument("--models", type=Path, help="a folder of NAME.safetensors, if not the shipped ones")
    options = parser.parse_args()
    networks = {
        style: render.load(options.models / f"{style}.safetensors" if options.models else f"sample:{style}")
        for style in painter.STYLES
    }
    resolution = networks["portrait"].resolution
    truth = {s: collect(painted(s, resolution, 10_000_000), options.count) for s in painter.STYLES}
    print(f"| style | {options.count} generated | {options.count} painted again | another style |")
    print("| --- | --- | --- | --- |")
    for style in painter.STYLES:
        other = painter.STYLES[painter.STYLES.index(style) - 1]
        sets = [
            collect(generated(networks[style]), options.count),
            collect(painted(style, resolution, 20_000_000), options.count),
            truth[other],
        ]
        figures = " | ".join(f"{frechet_distance(truth[style], each):.4f}" for each in sets)
        print(f"| {style} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
