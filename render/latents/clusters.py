"""Multimodal truncation (Mokady et al. 2022, "Self-Distilled StyleGAN"): pull w to the nearest of k centres.

One average of all w is nobody's face in particular; pulled towards it all pictures become alike. The centres
of clusters are typical of their own kinds, so truncation keeps the kinds apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from render.errors import LatentError

if TYPE_CHECKING:
    from torch import nn

MAX_CENTRES = 1024
SAMPLES = 10_000
BATCH = 1000
ROUNDS = 50


def centres(
    mapping: nn.Module, count: int, seed: int = 0, samples: int = SAMPLES, label: np.ndarray | None = None
) -> np.ndarray:
    """Centres of `count` clusters of mapped samples: w float32 [count, w_dim], the largest cluster's first.

    mapping  a generator's
    seed     of the samples and of the search; the same seed gives the same centres
    label    [c_dim] of a conditional network: the samples are all of it

    Raises LatentError for a count outside 1 … 1024, or more centres than samples.
    """
    if not 1 <= count <= MAX_CENTRES:
        raise LatentError(f"the number of truncation clusters lies from 1 to {MAX_CENTRES}, not at {count}")
    if samples < count:
        raise LatentError(f"{count} clusters need at least as many samples, not {samples}")
    return k_means(mapped_samples(mapping, samples, seed, label), count, seed)


def mapped_samples(mapping: nn.Module, count: int, seed: int, label: np.ndarray | None = None) -> np.ndarray:
    """w float32 [count, w_dim] of random z, before truncation."""
    import torch

    device = mapping.w_avg.device
    z = np.random.RandomState(seed).randn(count, mapping.config.z_dim).astype(np.float32)
    c = None if label is None else torch.from_numpy(np.asarray(label, np.float32)).to(device)
    with torch.no_grad():
        parts = [
            mapping.to_w(part, None if c is None else c.expand(len(part), -1)).cpu()
            for part in torch.from_numpy(z).to(device).split(BATCH)
        ]
    return torch.cat(parts).numpy()


def nearest(w: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Number of the centre in `centres [k, w_dim]` that is nearest to each of `w [..., w_dim]`: int [...]."""
    # |w - c|² without |w|², which is the same for all centres.
    distances = np.square(centres, dtype=np.float64).sum(axis=1) - 2 * (w.astype(np.float64) @ centres.T)
    return distances.argmin(axis=-1)


def k_means(points: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Lloyd's algorithm from k-means++ starts: float32 [count, D], the largest cluster's centre first.

    Own code, because the same seed has to give the same centres with every version of every library.
    """
    points = points.astype(np.float64)
    found = _spread_starts(points, count, np.random.RandomState(seed))
    members = nearest(points, found)
    for _ in range(ROUNDS):
        for number in range(count):
            chosen = points[members == number]
            if len(chosen):  # an empty cluster stays where it is
                found[number] = chosen.mean(axis=0)
        before, members = members, nearest(points, found)
        if np.array_equal(before, members):
            break
    sizes = np.bincount(members, minlength=count)
    return found[np.argsort(-sizes, kind="stable")].astype(np.float32)


def _spread_starts(points: np.ndarray, count: int, random: np.random.RandomState) -> np.ndarray:
    """k-means++ (Arthur and Vassilvitskii 2007): each is drawn by its squared distance to those before."""
    starts = [points[random.randint(len(points))]]
    distances = np.square(points - starts[0]).sum(axis=1)
    while len(starts) < count:
        total = distances.sum()
        place = random.random_sample() * total
        chosen = min(int(np.searchsorted(np.cumsum(distances), place, side="right")), len(points) - 1)
        starts.append(points[chosen])
        distances = np.minimum(distances, np.square(points - starts[-1]).sum(axis=1))
    return np.array(starts)
