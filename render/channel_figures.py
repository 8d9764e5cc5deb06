"""What `blendreel channels` shows: clusters over pictures, and how far fine-tuning moved each channel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from render.blending.attribution import LayerChange
from render.blending.channel_clusters import Catalogue
from render.blending.channels import ChannelSet
from render.comparison import BRIGHT, GAP, GROUND, HUES, LARGE, MARGIN, MEDIUM, MUTED, PLOT, TEXT, WIDTH, Plot
from render.drawing import to_frames
from render.panels import contact_sheet
from render.pen import Pen
from render.report import section

OUTSIDE, NIGHT = 0.3, -0.6  # what lies outside a mask: its share, on a ground of this brightness
CELL = (128, 256)  # pixels of a picture's height in the figure, at least and at most
MOST_LISTED = 8
HEAD = 96  # pixels above the first plot


def cluster_figure(images: Tensor, catalogue: Catalogue, names: Sequence[str]) -> np.ndarray:
    """A row for each cluster: `images` [N, 3, H, W] in [-1, 1], lit where the cluster is. uint8 [H', W', 3].

    The pictures are the catalogue's first; `names` are the clusters'.
    """
    labels = catalogue.labels[: len(images)].to(images.device)
    rows, words = [], []
    for cluster, name in enumerate(names):
        mask = (labels == cluster)[:, None].to(images.dtype)  # [N, 1, h, w]
        lit = F.interpolate(mask, size=images.shape[-2:])
        rows.append(list(to_frames(images.lerp(images * OUTSIDE + NIGHT * (1 - OUTSIDE), 1 - lit))))
        number = "" if name == cluster_name(cluster) else f"{cluster + 1}: "
        words.append(f"{number}{name}")
    height = min(max(images.shape[-2], CELL[0]), CELL[1])
    return contact_sheet(rows, row_labels=words, cell_height=height)


def cluster_name(cluster: int) -> str:
    """What a cluster is called until somebody names it; people count from 1."""
    return f"cluster-{cluster + 1}"


def describe_clusters(catalogue: Catalogue, names: Sequence[str], share: float) -> str:
    """The clusters in a table: how much of the pictures they take, and how many channels they have where."""
    layers = list(catalogue.shares)
    head = ["", "name", "area", "channels", "of layers"]
    rows = []
    for cluster, name in enumerate(names):
        own = catalogue.channels(cluster, share)
        where = ", ".join(f"{layer}: {len(own[layer])}" for layer in layers if layer in own)
        count = str(sum(map(len, own.values()))) if own else "none"
        rows.append([str(cluster + 1), name, f"{catalogue.areas[cluster]:.1%}", count, where])
    return section(f"clusters of {' and '.join(catalogue.layers)}", [head, *rows], right=(0, 2, 3))


def describe_changes(changes: Sequence[LayerChange], moved: ChannelSet, by: str) -> str:
    """How far the channels of every layer moved, and which moved most."""
    head = ["", "channels", "weights", "most", "activations", "most", f"moved most ({by})"]
    rows = [
        [
            change.name,
            str(len(change.weights)),
            *_middle_and_most(change.weights),
            *_middle_and_most(change.activations),
            _listed(moved.channels.get(change.name, ())),
        ]
        for change in changes
    ]
    return section("relative change of channels: median and most", [head, *rows], right=(1, 2, 3, 4, 5))


def _middle_and_most(numbers: Tensor) -> list[str]:
    if numbers.isnan().all():
        return ["–", "–"]
    return [f"{number:.3f}" for number in (float(numbers.nanmedian()), float(numbers.max()))]


def _listed(numbers: Sequence[int]) -> str:
    if not numbers:
        return "–"
    more = f" and {len(numbers) - MOST_LISTED} more" if len(numbers) > MOST_LISTED else ""
    return f"{len(numbers)}: {', '.join(map(str, numbers[:MOST_LISTED]))}{more}"


def change_figure(
    changes: Sequence[LayerChange], moved: ChannelSet, title: str, share: str, by: str
) -> Image.Image:
    """Each channel a dot over its layer, by weights and by activations; those that moved most in colour."""
    names = [change.name for change in changes]
    height = MARGIN + HEAD + 2 * PLOT + GAP + 2 * MARGIN
    pen = Pen(WIDTH, height, GROUND)
    pen.text(MARGIN, MARGIN + LARGE / 2, title, LARGE, BRIGHT, room=WIDTH - 2 * MARGIN)
    y = MARGIN + 46
    pen.dot(MARGIN + 7, y, 4, HUES[0], GROUND)
    pen.text(MARGIN + 24, y, f"the {share} that moved most, by {by}: {len(moved)} channels", MEDIUM, TEXT)
    top = MARGIN + HEAD
    plots = {}
    for index, (field, words) in enumerate(_TITLES.items()):
        found = [number for change in changes for number in _finite(getattr(change, field))]
        highest = max(1.08 * max(found, default=0), 1e-6)
        plots[field] = Strips(top + index * (PLOT + GAP), names, 0.0, highest, words, ())
        plots[field].draw_ground(pen)
        for change in changes:
            _draw_layer(pen, plots[field], change, field, moved)
    plots["activations"].draw_names(pen)
    return pen.finished()


_TITLES = {
    "weights": "relative change of the weights that make a channel; bar: median",
    "activations": "relative change of what a channel makes of the same input; bar: median",
}


class Strips(Plot):
    """A plot whose layers have a strip of room each."""

    @property
    def room(self) -> float:
        return (self.right - self.left) / len(self.names)

    def x(self, name: str) -> float:
        return self.left + (self.names.index(name) + 0.5) * self.room


def _draw_layer(pen: Pen, plot: Strips, change: LayerChange, field: str, moved: ChannelSet) -> None:
    """The channels of one layer side by side, in their order, round the layer's place."""
    numbers, x = getattr(change, field), plot.x(change.name)
    if not _finite(numbers):
        return
    room = 0.7 * plot.room
    taken = set(moved.channels.get(change.name, ()))
    for channel, number in enumerate(numbers.tolist()):
        if math.isfinite(number):
            place = x + room * ((channel + 0.5) / len(numbers) - 0.5)
            hue = HUES[0] if channel in taken else MUTED
            pen.dot(place, plot.y(number), 1.4 if channel in taken else 0.2, hue, hue)
    middle = plot.y(float(numbers.nanmedian()))
    pen.line([(x - room / 2, middle), (x + room / 2, middle)], 1.6, BRIGHT)


def _finite(numbers: Tensor) -> list[float]:
    return [number for number in numbers.tolist() if math.isfinite(number)]
