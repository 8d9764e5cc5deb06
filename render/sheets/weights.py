"""How much every layer takes of each model, as a picture: time to the right, fine layers at the top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from render.errors import BlendError
from render.networks import Layer
from render.panels import Color
from render.pen import Pen
from render.scene import Scene

from .ground import Block, draw_guides
from .look import GROUND, MEDIUM, MUTED, PAD_X, PANEL, PLOT_GAP, SMALL, TEXT, TITLE
from .names import column_moments
from .plan import Plan

TALLEST, LOWEST_ROW, HIGHEST_ROW = 190, 7, 16  # of the whole picture, and of a layer
NEAREST_LABELS = 15
GLARE = 0.6  # how far towards white each 100 % beyond a model goes
WHITE = np.array([255.0, 255.0, 255.0])


def weight_columns(scene: Scene, plan: Plan) -> dict[str, np.ndarray]:
    """Weights [T, M, L] over time: of `layers`, and of `to-RGB` where that has a swap of its own.

    T columns of the axis; M models in the order of the scene's. NaN where a formula has no value.
    """
    moments = column_moments(plan)
    seconds = [float(moment) for moment in moments]
    numbers = {
        name: track.values_at_many(seconds)
        for name, track in scene.tracks.items()
        if name.startswith("blend.")
    }
    empty, has_to_rgb = np.full([len(scene.models), len(scene.model.layers)], np.nan), False
    found: dict[str, list[np.ndarray]] = {"layers": [], "to-RGB": []}
    for at, moment in enumerate(moments):
        values = {name: float(column[at]) for name, column in numbers.items()}
        names = {name: track.weights_at(moment) for name, track in scene.names.items()}
        weights, to_rgb = empty, empty
        if np.isfinite(list(values.values())).all():
            try:
                blend = scene.mixture.blend(values, names)
                weights, to_rgb = blend.weights, blend.to_rgb
                has_to_rgb |= to_rgb is not None
            except BlendError:  # a formula goes too far between two frames
                pass
        found["layers"].append(weights)
        found["to-RGB"].append(empty if to_rgb is None else to_rgb)
    if not has_to_rgb:
        del found["to-RGB"]
    return {name: np.array(columns) for name, columns in found.items()}


def weight_colors(weights: np.ndarray, colors: Sequence[Color]) -> np.ndarray:
    """Weights [..., M, L] in the models' colours, uint8 [..., L, 3].

    A mix of models is a mix of their colours. What goes beyond a model is lighter than it.
    """
    known = np.isfinite(weights).all(axis=-2)  # [..., L]
    share = np.clip(np.nan_to_num(weights), 0, None)
    total = share.sum(axis=-2)  # [..., L]; above 1 where another one is below 0
    share = np.moveaxis(share, -2, -1) / np.maximum(total, 1e-9)[..., None]  # [..., L, M]
    plain = share @ np.array(colors, float)
    glare = np.clip(GLARE * (total - 1), 0, 0.7)[..., None]
    pixels = plain + glare * (WHITE - plain)
    return np.where(known[..., None], pixels, np.array(PANEL, float)).round().astype(np.uint8)


def weight_blocks(scene: Scene, plan: Plan, colors: Mapping[str, Color]) -> list[Block]:
    """A block for each table of weights; none where a single model is shown."""
    if scene.preset.mix.model is not None:
        return []
    layers = scene.model.layers
    row = min(max(TALLEST // len(layers), LOWEST_ROW), HIGHEST_ROW)
    blocks = []
    for title, weights in weight_columns(scene, plan).items():
        shown = [at for at in range(len(scene.models)) if (np.nan_to_num(weights[:, at]) != 0).any()]
        pixels = weight_colors(weights, [colors[name] for name in scene.models])
        pixels = pixels.swapaxes(0, 1)[::-1]  # [L, T, 3], the finest layer first
        legend = {scene.models[at]: colors[scene.models[at]] for at in shown}
        picture = _WeightPicture(plan, title, pixels, layers, legend, row)
        blocks.append(Block(TITLE + row * len(layers) + PLOT_GAP, picture.draw))
    return blocks


class _WeightPicture:
    """One table of weights with its title and legend.

    pixels  uint8 [L, T, 3], from the finest layer down
    """

    def __init__(
        self,
        plan: Plan,
        title: str,
        pixels: np.ndarray,
        layers: Sequence[Layer],
        legend: Mapping[str, Color],
        row: int,
    ):
        self.plan, self.title, self.pixels = plan, title, pixels
        self.layers, self.legend, self.row = layers, legend, row

    def draw(self, pen: Pen, top: int) -> None:
        plan, height = self.plan, self.row * len(self.layers)
        y = top + TITLE / 2
        x = plan.left - PAD_X
        x += pen.text(x, y, self.title, MEDIUM, TEXT) + 14
        x += pen.text(x, y, "how much each takes of", SMALL, MUTED) + 14
        for name, color in self.legend.items():
            pen.box(x, y - 7, x + 14, y + 7, color, radius=3)
            x += 21 + pen.text(x + 21, y, name, SMALL, TEXT, room=plan.right - x - 30) + 18
            if x > plan.right - 60:
                break
        top += TITLE
        pen.picture(plan.left, top, plan.right, top + height, self.pixels)
        for begin, label in self._labels():
            pen.text(plan.left - PAD_X - 9, top + height - begin, label, SMALL, MUTED, "rm")
        for at in range(1, len(self.layers)):
            if self.layers[at].resolution != self.layers[at - 1].resolution:
                y = top + height - at * self.row
                pen.line([(plan.left, y), (plan.right, y)], 1, GROUND)
        draw_guides(pen, plan, top, height, frames=False)

    def _labels(self) -> list[tuple[float, str]]:
        """(height of its middle above the lower edge, resolution), as many as there is room for."""
        labels, at = [], 0
        for resolution, run in groupby(self.layers, key=lambda layer: layer.resolution):
            count = len(list(run))
            middle = (at + count / 2) * self.row
            if not labels or middle - labels[-1][0] >= NEAREST_LABELS:
                labels.append((middle, str(resolution)))
            at += count
        return labels
