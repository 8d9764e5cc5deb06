"""Parts of a picture, found in what a network's layers give: spherical k-means over activations.

After Collins et al. 2020, "Editing in Style: Uncovering the Local Semantics of GANs", section 3: positions
whose activation vectors point the same way belong together, and clusters of them are parts that people can
name. A channel belongs to the cluster in which its normalised, squared activation is densest, and of these
the densest few of each layer are the cluster's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from render.blending.activations import check_layers, observable, observe
from render.errors import BlendError
from render.networks import Generator

GRID = 32  # positions per side at most: finer activations are averaged down before clustering
VECTORS = 20_000  # positions that k-means learns from; all are assigned
ROUNDS, STARTS = 30, 3
SHARE = 0.05  # of a layer's channels that are a cluster's
LEAST_DENSITY = 1.5  # below it a channel is nearly everywhere


@dataclass(frozen=True)
class Catalogue:
    """Clusters of a network, largest first, and whose channels are whose.

    layers  that were clustered, together
    labels  cluster of every position, uint8 [N, h, w], of the pictures drawn from `ws`
    areas   share of all positions in each cluster, [K]
    shares  by layer's name: share of each channel's activation in each cluster, [K, C]; only of layers no
            coarser than those clustered, since coarser ones place nothing so finely
    """

    layers: tuple[str, ...]
    labels: Tensor
    areas: Tensor
    shares: dict[str, Tensor]

    @property
    def count(self) -> int:
        return len(self.areas)

    def channels(self, cluster: int, share: float = SHARE) -> dict[str, tuple[int, ...]]:
        """The channels of one cluster, from 0, by layer; a channel belongs to one cluster or to none.

        share  how many of a layer's channels at most, 0 to 1, but always one; those that are densest there
        """
        found = {}
        for name, shares in self.shares.items():
            all_densities = densities(shares, self.areas)  # [K, C]
            own = all_densities[cluster]
            mine = (all_densities.argmax(dim=0) == cluster) & (own >= LEAST_DENSITY)
            best = own.where(mine, 0).topk(max(1, round(share * len(own)))).indices
            if numbers := sorted(best[mine[best]].tolist()):
                found[name] = tuple(numbers)
        return found


def densities(shares: Tensor, areas: Tensor) -> Tensor:
    """Density inside over that outside, from shares [K, C] and areas [K]: 1 for what is spread evenly."""
    inside = shares / areas[:, None].clamp(min=1e-9)
    return inside / ((1 - shares) / (1 - areas[:, None]).clamp(min=1e-9)).clamp(min=1e-9)


def default_layers(generator: Generator) -> tuple[str, ...]:
    """Where parts are told apart well: the last layer of 32 px, or of an eighth of a smaller picture."""
    wanted = min(32, max(8, generator.resolution // 8))
    modules = observable(generator)
    layers = [layer for layer in generator.layers if layer.name in modules]
    coarse = [layer.name for layer in layers if layer.resolution <= wanted]
    return (coarse[-1] if coarse else layers[0].name,)


def find_clusters(
    generator: Generator, ws: Tensor, count: int = 12, layers: Sequence[str] = (), seed: int = 0
) -> Catalogue:
    """Clusters of the pictures of `ws` [N, num_ws, w_dim]. Equal arguments give equal clusters.

    count   of clusters, 2 to 100
    layers  by name, whose activations are clustered together; default: see `default_layers`

    Draws the pictures twice: activations of all layers would not fit into memory. Raises BlendError.
    """
    if not 2 <= count <= 100:
        raise BlendError(f"there may be 2 to 100 clusters, not {count}")
    layers = tuple(dict.fromkeys(layers)) or default_layers(generator)
    check_layers(generator, layers)
    modules = observable(generator)
    coarsest = min(layer.resolution for layer in generator.layers if layer.name in layers)
    fine = (layer.name for layer in generator.layers if layer.resolution >= coarsest)
    names = tuple(name for name in fine if name in modules)
    vectors, moments = _first_pass(generator, ws, layers, names)  # [N, C, h, w]
    n, c, h, w = vectors.shape
    rows = F.normalize(vectors.permute(0, 2, 3, 1).reshape(-1, c), dim=1)
    if len(rows) < count:
        raise BlendError(f"{count} clusters need more than {len(rows)} positions; take a finer layer")
    labels = _largest_first(spherical_kmeans(rows, count, seed), count).reshape(n, h, w)
    areas = torch.bincount(labels.flatten(), minlength=count) / labels.numel()
    return Catalogue(layers, labels.to(torch.uint8), areas, _shares(generator, ws, labels, count, moments))


def _first_pass(
    generator: Generator, ws: Tensor, layers: Sequence[str], names: Sequence[str]
) -> tuple[Tensor, dict[str, tuple[Tensor, Tensor]]]:
    """Normalised activations of `layers` on one grid [N, C, h, w]; mean and deviation of all channels."""
    kept: dict[str, list[Tensor]] = {name: [] for name in layers}
    sums = {name: [0.0, 0.0, 0] for name in names}
    for seen in observe(generator, ws, names):
        for name, output in seen.outputs.items():
            entry = sums[name]
            entry[0] = entry[0] + output.sum(dim=[0, 2, 3], dtype=torch.float64)
            entry[1] = entry[1] + output.double().square().sum(dim=[0, 2, 3])
            entry[2] += output.numel() // output.shape[1]
            if name in kept:
                kept[name].append(_on_grid(output, GRID))
    moments = {}
    for name, (total, squares, positions) in sums.items():
        mean = total / positions
        deviation = (squares / positions - mean.square()).clamp(min=1e-12).sqrt()
        moments[name] = mean.float()[:, None, None], deviation.float()[:, None, None]
    parts = [(torch.cat(kept[name]) - moments[name][0]) / moments[name][1] for name in layers]
    size = max((part.shape[-2:] for part in parts), key=lambda size: size[0])
    # A layer with many channels must not outvote one with few.
    parts = [F.interpolate(part, size=size) / part.shape[1] ** 0.5 for part in parts]
    return torch.cat(parts, dim=1), moments


def _on_grid(output: Tensor, grid: int) -> Tensor:
    """[N, C, H, W] averaged down until neither side is above `grid`."""
    factor = -(-max(output.shape[-2:]) // grid)
    return output.clone() if factor == 1 else F.avg_pool2d(output, factor)


def _shares(
    generator: Generator,
    ws: Tensor,
    labels: Tensor,
    count: int,
    moments: dict[str, tuple[Tensor, Tensor]],
) -> dict[str, Tensor]:
    """Share of every channel's normalised, squared activation in each cluster: by layer [K, C]."""
    totals: dict[str, Tensor] = {}
    start = 0
    for seen in observe(generator, ws, tuple(moments)):
        masks = F.one_hot(labels[start : start + len(seen.images)], count).permute(0, 3, 1, 2).float()
        start += len(seen.images)
        for name, output in seen.outputs.items():
            mean, deviation = moments[name]
            energy = energy_in(masks, ((output - mean) / deviation).square())
            totals[name] = totals.get(name, 0) + energy
    return {name: total / total.sum(dim=0, keepdim=True).clamp(min=1e-12) for name, total in totals.items()}


def energy_in(masks: Tensor, squares: Tensor) -> Tensor:
    """How much of `squares` [N, C, h, w] lies in each of `masks` [N, K, H, W], of any other size: [K, C]."""
    height, width = squares.shape[-2:]
    if masks.shape[-2] > height:
        masks = F.adaptive_avg_pool2d(masks, (height, width))
    elif masks.shape[-2:] != squares.shape[-2:]:
        masks = F.interpolate(masks, size=(height, width))
    return torch.einsum("nkhw,nchw->kc", masks, squares)


def spherical_kmeans(rows: Tensor, count: int, seed: int = 0) -> Tensor:
    """The cluster, 0 to `count` - 1, of each of the unit vectors `rows` [V, C]: int64 [V].

    Clusters are by angle. The best of some starts, each spread out as in k-means++; the same seed gives the
    same clusters.
    """
    random = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(rows), generator=random)[:VECTORS].to(rows.device)
    learnt = rows[chosen]
    best, best_score = None, -torch.inf
    for _ in range(STARTS):
        centres = _spread_out(learnt, count, random)
        for _ in range(ROUNDS):
            similarity = learnt @ centres.t()  # [V, K]
            labels = similarity.argmax(dim=1)
            sums = torch.zeros_like(centres).index_add_(0, labels, learnt)
            empty = sums.norm(dim=1) < 1e-6
            centres = torch.where(empty[:, None], centres, F.normalize(sums, dim=1))
        score = (learnt @ centres.t()).amax(dim=1).mean()
        if score > best_score:
            best, best_score = centres, score
    return torch.cat([(part @ best.t()).argmax(dim=1) for part in rows.split(65_536)])


def _spread_out(rows: Tensor, count: int, random: torch.Generator) -> Tensor:
    """First centres [count, C]: each next one is drawn by how far vectors are from those there are."""
    centres = rows[torch.randint(len(rows), (1,), generator=random).to(rows.device)]
    for _ in range(count - 1):
        away = (1 - (rows @ centres.t()).amax(dim=1)).clamp(min=1e-9)
        at = torch.multinomial(away.cpu(), 1, generator=random).to(rows.device)
        centres = torch.cat([centres, rows[at]])
    return centres


def _largest_first(labels: Tensor, count: int) -> Tensor:
    order = torch.bincount(labels, minlength=count).argsort(descending=True, stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(count, device=order.device)
    return rank[labels]
