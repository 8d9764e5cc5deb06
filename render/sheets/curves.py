"""Plots: the curve of a track over time, or one for each cell of a map over layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from render.errors import PresetError
from render.networks import Layer
from render.pen import Pen, mixed
from render.preset import KIMG, PLACE, SWAP, WIDTH, Animated
from render.timeline import ExpressionTrack, Track

from .ground import Block, draw_ground, draw_guides
from .look import (
    FILL_SHARE,
    GRID,
    MEDIUM,
    MUTED,
    PAD_X,
    PAD_Y,
    PANEL,
    PLOT_GAP,
    SMALL,
    TEXT,
    TITLE,
    hue,
)
from .plan import Plan
from .scales import layer_ticks, number_ticks, tick_text

UNITS = {SWAP: "layer from which high takes over", KIMG: "kimg", WIDTH: "layers", PLACE: "stops of the walk"}
NEAREST_DOTS = 18  # pixels between repeated keys that are drawn as dots


@dataclass(frozen=True)
class Line:
    """One curve of a plot: what it is called there, how it is written, and the track."""

    label: str
    value: Animated
    track: Track | ExpressionTrack


@dataclass(frozen=True)
class Plot:
    """Curves on one scale.

    name    of the track, or of the map whose cells the lines are
    height  of the box
    first   number of the first line's colour
    layers  of the network, for the names on a swap's scale
    """

    plan: Plan
    name: str
    lines: tuple[Line, ...]
    height: int
    first: int
    layers: Sequence[Layer]

    @property
    def block(self) -> Block:
        return Block(TITLE + self.height + PLOT_GAP, lambda pen, top: self.draw(pen, top + TITLE))

    def draw(self, pen: Pen, top: int) -> None:
        """The title stands above `top`. Raises PresetError for a formula that has no value anywhere."""
        plan, quantity = self.plan, self.lines[0].value.quantity
        points = [curve_points(line.track, plan, f"{self.name} {line.label}".strip()) for line in self.lines]
        lowest, highest = (float(choose(choose(numbers) for _, numbers in points)) for choose in (min, max))
        ticks = layer_ticks(lowest, highest) if quantity == SWAP else number_ticks(lowest, highest)
        low, high = min(lowest, ticks[0]), max(highest, ticks[-1])
        floor = top + self.height - PAD_Y

        def y_of(number: float) -> float:
            return floor - (number - low) / (high - low) * (self.height - 2 * PAD_Y)

        self._draw_title(pen, top, (lowest, highest))
        draw_ground(pen, plan, top, self.height)
        curves = [[(x, y_of(y)) for x, y in zip(*pair, strict=True)] for pair in points]
        if len(curves) == 1:
            ends = [(curves[0][-1][0], floor), (curves[0][0][0], floor)]
            pen.area([*curves[0], *ends], mixed(hue(self.first), PANEL, FILL_SHARE))
        for tick in ticks:
            pen.line([(plan.left - PAD_X, y_of(tick)), (plan.right + PAD_X, y_of(tick))], 1, GRID)
            words = tick_text(quantity, tick, self.layers)
            pen.text(plan.left - PAD_X - 9, y_of(tick), words, SMALL, MUTED, "rm")
        draw_guides(pen, plan, top, self.height)
        for number, curve in enumerate(curves):
            pen.line(curve, 2.4, hue(self.first + number))
        for number, line in enumerate(self.lines):
            for x, value, radius in key_dots(line.track, plan):
                pen.dot(x, y_of(value), radius, hue(self.first + number), PANEL)

    def _draw_title(self, pen: Pen, top: int, extent: tuple[float, float]) -> None:
        plan, quantity = self.plan, self.lines[0].value.quantity
        y, x = top - TITLE / 2, self.plan.left - PAD_X
        words = [tick_text(quantity, number, self.layers) for number in extent]
        span = f"{words[0]}  to  {words[1]}"
        end = plan.right + PAD_X - pen.text(plan.right + PAD_X, y, span, SMALL, TEXT, "rm") - 20
        alone = len(self.lines) == 1
        x += pen.text(x, y, self.name, MEDIUM, hue(self.first) if alone else TEXT, room=end - x) + 14
        if alone:
            notes = [UNITS.get(quantity, ""), note_of(self.lines[0].value)]
            pen.text(x, y, "   ".join(filter(None, notes)), SMALL, MUTED, room=end - x)
        for number, line in enumerate(self.lines if not alone else ()):
            color = hue(self.first + number)
            x += pen.text(x, y, line.label, MEDIUM, color, room=end - x) + 8
            x += pen.text(x, y, note_of(line.value), SMALL, MUTED, room=end - x) + 14


def note_of(value: Animated) -> str:
    """What a curve does not show: its formula, or that it repeats."""
    if value.expression is not None:
        return str(value.expression)
    return "" if value.repeat == "once" else f"repeat {value.repeat}"


def curve_points(track: Track | ExpressionTrack, plan: Plan, name: str) -> tuple[list[float], list[float]]:
    """x and number at every pixel of the axis and on both sides of every key: jumps stay upright.

    Moments at which a formula has no value are left out. Raises PresetError if it has none anywhere.
    """
    duration, steps = plan.clock.duration, plan.right - plan.left
    moments = {duration * step / steps for step in range(steps + 1)}
    if isinstance(track, Track):
        keys = {seconds for seconds, _ in key_moments(track, duration, steps)}
        moments |= keys | {seconds - duration / 10**6 for seconds in keys if seconds > 0}
    ordered = sorted(moments)
    numbers = _numbers(track, ordered)
    known = np.flatnonzero(np.isfinite(numbers))
    if not len(known):
        raise PresetError(f"{name}: there is no value at any moment that is drawn")
    return [plan.x(ordered[at]) for at in known], numbers[known].tolist()


def _numbers(track: Track | ExpressionTrack, moments: Sequence[Fraction]) -> np.ndarray:
    """The values at those moments, NaN where there is none. Tracks of keys are exact at their jumps."""
    if isinstance(track, Track):
        return np.array([track.value_at(seconds) for seconds in moments], dtype=float)
    return track.values_at_many([float(seconds) for seconds in moments])


def key_moments(track: Track, duration: Fraction, most: int) -> list[tuple[Fraction, float]]:
    """(seconds, value) of every key within the clip, repeated ones too; at most so many of these."""
    keys = [(key.seconds, key.value) for key in track.keys]
    first, span = keys[0][0], keys[-1][0] - keys[0][0]
    rounds = range(0)
    if track.repeat != "once" and duration / span * len(keys) <= most:
        rounds = range(-int(first // span) - 1, int((duration - first) // span) + 1)
    copies = [
        (first + number * span + (span - (seconds - first) if is_back else seconds - first), value)
        for number in rounds
        for is_back in [track.repeat == "mirror" and number % 2 == 1]
        for seconds, value in keys
    ]
    # Where a round ends as the clip begins, its last key is never seen.
    seen = [pair for pair in copies if pair[0] > 0 or pair[1] == track.value_at(pair[0])]
    return sorted(pair for pair in dict.fromkeys([*keys, *seen]) if 0 <= pair[0] <= duration)


def key_dots(track: Track | ExpressionTrack, plan: Plan) -> list[tuple[float, float, float]]:
    """(x, value, radius) of the dots: the keys as written, and smaller ones where they are repeated."""
    if not isinstance(track, Track) or len(track.keys) == 1:
        return []
    width = plan.right - plan.left
    own = {(key.seconds, key.value) for key in track.keys}
    moments = key_moments(track, plan.clock.duration, max(1, width // NEAREST_DOTS))
    return [(plan.x(seconds), value, 5 if (seconds, value) in own else 3) for seconds, value in moments]


def grouped(
    tracks: Mapping[str, tuple[Animated, Track | ExpressionTrack]], cells: Mapping[str, tuple[str, str]]
) -> dict[str, tuple[Line, ...]]:
    """The lines of every plot by its name: a track of its own, or all cells of a map over layers.

    cells  of such maps: name of the track → (name of the map, the layers)
    """
    plots: dict[str, list[Line]] = {}
    for name, (value, track) in tracks.items():
        plot, label = cells.get(name, (name, ""))
        plots.setdefault(plot, []).append(Line(label, value, track))
    return {name: tuple(lines) for name, lines in plots.items()}
