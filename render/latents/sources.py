"""Where latents come from: seeds, drawn as everybody's seed numbers mean them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def seed_latents(seeds: Sequence[int], z_dim: int) -> np.ndarray:
    """z float32 [N, z_dim] of `seeds`: one row each of `numpy.random.RandomState(seed).randn(1, z_dim)`."""
    rows = [np.random.RandomState(seed).randn(1, z_dim)[0] for seed in seeds]
    return np.stack(rows).astype(np.float32)
