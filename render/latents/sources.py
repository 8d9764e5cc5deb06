"""Where latents come from: seeds, drawn as everybody's seed numbers mean them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SEED_LIMIT = 2**31
MAX_SEEDS = 100_000


def seed_latents(seeds: Sequence[int], z_dim: int) -> np.ndarray:
    """z float32 [N, z_dim] of `seeds`: one row each of `numpy.random.RandomState(seed).randn(1, z_dim)`."""
    random = np.random.RandomState(0)
    latents = np.empty([len(seeds), z_dim], np.float32)
    for row, seed in zip(latents, seeds, strict=True):
        random.seed(seed)  # the same numbers as a new RandomState's, a hundred times faster
        row[:] = random.randn(1, z_dim)[0]
    return latents


def random_seeds(count: int, seed: int) -> list[int]:
    """`count` different seeds in [0, 2**31), drawn from `seed`: the first ones stay when more are asked for.

    Raises ValueError for a count outside 1 … 100,000.
    """
    if not 1 <= count <= MAX_SEEDS:
        raise ValueError(f"the count of random seeds lies from 1 to {MAX_SEEDS:,}, not at {count:,}")
    random, found = np.random.RandomState(seed), {}
    while len(found) < count:
        found[int(random.randint(SEED_LIMIT, dtype=np.int64))] = None
    return list(found)
