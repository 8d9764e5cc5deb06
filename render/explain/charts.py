"""The charts of a report: curves over layers and swaps, on a dark ground like all figures of the project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from render.comparison import GAP, GROUND, HUES, MARGIN, PAD, PLOT, SMALL, TEXT, WIDTH, Plot
from render.explain.study import Study
from render.explain.swaps import SwapSheet
from render.explain.training import Training
from render.panels import Color
from render.pen import Pen, mixed, text_width
from render.report import number_text

FIRST, SECOND = HUES[0], HUES[1]
AXIS = 34
LEAST_HEIGHT = 1e-6  # of an axis, where nothing moved
ROOM_ABOVE = 1.08  # an axis ends so much above its highest value


@dataclass(frozen=True)
class Curve:
    """A line of a chart.

    values  by the name of a layer, or the label of a swap; infinite ones are left out
    """

    name: str
    values: Mapping[str, float]
    hue: Color


@dataclass(frozen=True)
class Axes:
    """One plot of a chart.

    thresholds  (value, words) of lines across it
    """

    title: str
    curves: Sequence[Curve]
    thresholds: tuple[tuple[float, str], ...] = ()


def chart(names: Sequence[str], plots: Sequence[Axes], mark: str | None = None) -> Image.Image:
    """Plots under each other, over the same names; `mark` is the name that a line goes up from."""
    top = MARGIN + 12
    pen = Pen(WIDTH, top + len(plots) * (PLOT + GAP) - GAP + AXIS + MARGIN // 2, GROUND)
    for index, axes in enumerate(plots):
        found = [value for curve in axes.curves for value in curve.values.values() if value < float("inf")]
        highest = max(max(found, default=0.0) * ROOM_ABOVE, LEAST_HEIGHT)
        plot = Plot(top + index * (PLOT + GAP), names, 0.0, highest, axes.title, axes.thresholds)
        plot.draw_ground(pen)
        if mark is not None:
            x, top_end, end = plot.x(mark), plot.top + PAD / 2, plot.top + PLOT - PAD / 2
            pen.line([(x, top_end), (x, end)], 1.2, mixed(FIRST, GROUND, 0.6))
        for curve in axes.curves:
            plot.draw(pen, {n: v for n, v in curve.values.items() if v < float("inf")}, curve.hue)
        _legend(pen, plot, axes.curves)
    plot.draw_names(pen)
    return pen.finished()


def _legend(pen: Pen, plot: Plot, curves: Sequence[Curve]) -> None:
    """The curves' names above the plot, ending at its right edge."""
    if len(curves) < 2:
        return
    x = plot.right + PAD
    for curve in reversed(curves):
        x -= text_width(curve.name, SMALL)
        pen.text(x, plot.top - 16, curve.name, SMALL, TEXT)
        x -= 12
        pen.dot(x, plot.top - 16, 4, curve.hue, GROUND)
        x -= 22


def activity_chart(study: Study) -> Image.Image:
    """How differently the layers answer, and how strong they are."""
    a, b = study.names
    names = [each.name for each in study.activity]

    def curve(name: str, hue: Color, numbers: Sequence[float]) -> Curve:
        return Curve(name, dict(zip(names, numbers, strict=True)), hue)

    answer = [
        curve("by its own doing", FIRST, [each.own for each in study.activity]),
        curve("with all layers before it", SECOND, [each.whole for each in study.activity]),
    ]
    strength = [
        curve(name, hue, [each.strength[side] for each in study.activity])
        for side, (name, hue) in enumerate(((a, SECOND), (b, FIRST)))
    ]
    return chart(
        names,
        [
            Axes("relative change of what a layer gives", answer),
            Axes("strength of what a layer gives (root mean square)", strength),
        ],
    )


def swap_chart(sheet: SwapSheet, mark: int | None = None) -> Image.Image:
    """How far the blend is from either network, swap by swap; `mark` is a column to point at."""
    labels = [swap.label for swap in sheet.swaps]
    curves = [
        Curve(f"from {sheet.low}", dict(zip(labels, sheet.from_low, strict=True)), SECOND),
        Curve(f"from {sheet.high}", dict(zip(labels, sheet.from_high, strict=True)), FIRST),
    ]
    title = f"distance of the blend's pictures; 1: as far as {sheet.low} and {sheet.high} are apart"
    return chart(labels, [Axes(title, curves)], None if mark is None else labels[mark])


def training_chart(training: Training) -> Image.Image:
    """How far the weights of each layer had come, a curve for each snapshot; later ones are brighter."""
    count = len(training.kimgs)
    curves = [
        Curve(f"{number_text(kimg)}", moved, mixed(FIRST, GROUND, 0.25 + 0.75 * (at + 1) / count))
        for at, (kimg, moved) in enumerate(zip(training.kimgs, training.distances, strict=True))
    ]
    names = list(training.distances[0])
    return chart(names, [Axes("relative distance of the weights, by kimg", curves)])
