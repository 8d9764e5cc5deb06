"""The few colours that stand best for many: weighted k-means on the points of a histogram.

Sources: S. Lloyd, "Least squares quantization in PCM" (1982); G. Patanè and M. Russo, "The enhanced LBG
algorithm" (2001) for entries that move to where they are missed.
"""

from __future__ import annotations

import numpy as np

NEAREST_BLOCK = 192  # points at a time against the palette: a product so small runs in this thread alone
RELOCATIONS = 16  # palette entries that may move elsewhere between two k-means steps


def nearest(points: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """For points [n, 3] the nearest entry of a palette [k, 3]: int [n]."""
    # |x - p|² without |x|², which is the same for every p: the product of [x, 1] and [-2p, |p|²].
    extended = np.ones((len(points), 4), dtype=np.float32)
    extended[:, :3] = points
    factors = np.concatenate([-2 * palette.T, np.einsum("kd,kd->k", palette, palette)[None]])
    factors = factors.astype(np.float32)
    index = np.empty(len(points), dtype=np.intp)
    for start in range(0, len(points), NEAREST_BLOCK):
        block = slice(start, start + NEAREST_BLOCK)
        (extended[block] @ factors).argmin(axis=1, out=index[block])
    return index


def distances(points: np.ndarray, palette: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The squared distance from each point [n, 3] to its entry of the palette: float32 [n]."""
    return ((points - palette[index]) ** 2).sum(axis=1)


def split_palette(points: np.ndarray, weights: np.ndarray, size: int) -> np.ndarray:
    """A first palette [<= size, 3]: boxes of points [n, 3] cut at their mean, the worst boxes first."""
    label, count = np.zeros(len(points), dtype=np.intp), 1
    rows = np.arange(len(points))
    while True:
        mass = np.bincount(label, weights, count)
        mean = group_sums(points, weights, label, count) / mass[:, None]
        spread = group_sums((points - mean[label]) ** 2, weights, label, count)  # [count, 3]
        # A third of the boxes at a time: nearly as good as one by one, and few passes over the points.
        worst = np.argsort(-spread.max(axis=1), kind="stable")[: min(count // 3 + 1, size - count)]
        worst = worst[spread.max(axis=1)[worst] > 1e-6]
        if not len(worst):
            return mean.astype(np.float32)
        axis = spread.argmax(axis=1)[label]
        upper = points[rows, axis] > mean[label, axis]
        target = np.arange(count)
        target[worst] = np.arange(count, count + len(worst))
        label = np.where(upper, target[label], label)
        count += len(worst)


def group_sums(values: np.ndarray, weights: np.ndarray, label: np.ndarray, count: int) -> np.ndarray:
    """Weighted sums of values [n, 3] by label: [count, 3]."""
    return np.stack([np.bincount(label, weights * values[:, d], count) for d in range(3)], axis=1)


def refine(
    points: np.ndarray, weights: np.ndarray, palette: np.ndarray, steps: int
) -> tuple[np.ndarray, float]:
    """A palette [k, 3] after some of Lloyd's steps, and the mean squared error that the last one found."""
    for step in range(steps):
        index = nearest(points, palette)
        if step == steps - 1:
            error = weights @ distances(points, palette, index)
        mass = np.bincount(index, weights, len(palette))
        sums = group_sums(points, weights, index, len(palette))
        palette = np.where(mass[:, None] > 0, sums / np.maximum(mass, 1e-9)[:, None], palette)
        palette = palette.astype(np.float32)
        if step < steps - 1:
            _relocate(points, weights, palette, index, mass)
    return palette, float(error / weights.sum())


def _relocate(
    points: np.ndarray, weights: np.ndarray, palette: np.ndarray, index: np.ndarray, mass: np.ndarray
) -> None:
    """Move the entries that are missed least to where a second one helps most; changes the palette [k, 3].

    An entry's loss adds about mass times squared distance to its neighbour; splitting an entry's points
    along their widest axis saves the better part of their spread. Without it, a palette that follows a
    morph stays where colours were.
    """
    spread = group_sums((points - palette[index]) ** 2, weights, index, len(palette))  # [k, 3]
    needed = spread.max(axis=1)
    loss = mass * gaps_of(palette).min(axis=1)
    needy = np.argsort(-needed, kind="stable")[:RELOCATIONS]
    spare = np.argsort(loss, kind="stable")[:RELOCATIONS]
    useful = needed[needy] > 2 * loss[spare]
    useful &= ~np.isin(spare, needy)
    needy, spare = needy[useful], spare[useful]
    axis = spread[needy].argmax(axis=1)
    offset = np.zeros((len(needy), 3), dtype=np.float32)
    offset[np.arange(len(needy)), axis] = np.sqrt(spread[needy, axis] / mass[needy])
    palette[spare] = palette[needy] + offset
    palette[needy] -= offset


def gaps_of(palette: np.ndarray) -> np.ndarray:
    """Squared distances between palette entries, [k, k]; infinite from one to itself."""
    square = np.einsum("kd,kd->k", palette, palette)
    gaps = np.maximum(square[:, None] + square - 2 * (palette @ palette.T), 0)
    np.fill_diagonal(gaps, np.inf)
    return gaps
