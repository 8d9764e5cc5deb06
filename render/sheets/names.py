"""Names over time as coloured bars: a cut is an edge, a fade runs from one colour into the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import groupby

import numpy as np

from render.panels import Color
from render.pen import Pen, text_width
from render.timeline import NameTrack

from .ground import Block, draw_guides
from .look import BAR, BAR_GAP, BRIGHT, GROUND, MUTED, PAD_X, PLOT_GAP, SMALL
from .plan import Plan

COLUMN = 2  # pixels of the finished sheet that share a colour
COLUMNS = 1200  # at most
DARK_INK = (20, 20, 24)
INK_SWITCH = 120  # brightness of a colour from which letters on it are dark


def column_moments(plan: Plan) -> list[Fraction]:
    """The middle of every column of the axis, in seconds."""
    count = min(COLUMNS, max(1, (plan.right - plan.left) // COLUMN))
    return [plan.clock.duration * (2 * at + 1) / (2 * count) for at in range(count)]


def bars_block(
    plan: Plan, tracks: Mapping[str, NameTrack], color_of_name: Callable[[str, str], Color]
) -> Block | None:
    """A bar for each track of names, by what stands at its left; None where there are none.

    color_of_name  (track, name) → colour
    """
    if not tracks:
        return None
    height = len(tracks) * (BAR + BAR_GAP) - BAR_GAP

    def draw(pen: Pen, top: int) -> None:
        for at, (label, track) in enumerate(tracks.items()):
            y = top + at * (BAR + BAR_GAP)
            pen.text(plan.left - PAD_X - 9, y + BAR / 2, label, SMALL, MUTED, "rm", plan.left - PAD_X - 12)
            _draw_bar(pen, plan, y, track, lambda name, label=label: color_of_name(label, name))

    return Block(height + PLOT_GAP - 8, draw)


def _draw_bar(pen: Pen, plan: Plan, top: int, track: NameTrack, color: Callable[[str], Color]) -> None:
    moments = column_moments(plan)
    weights = [track.weights_at(seconds) for seconds in moments]
    pixels = np.array([[_mixed(mix, color) for mix in weights]], np.uint8)
    pen.picture(plan.left, top, plan.right, top + BAR, pixels)
    draw_guides(pen, plan, top, BAR, frames=False)
    places = [plan.x(seconds) for seconds in moments]
    names = [max(mix, key=mix.__getitem__) for mix in weights]
    for name, run in groupby(zip(names, places, strict=True), key=lambda pair: pair[0]):
        xs = [x for _, x in run]
        shade = color(name)
        ink = DARK_INK if np.dot(shade, (0.299, 0.587, 0.114)) > INK_SWITCH else BRIGHT
        if xs[-1] - xs[0] >= text_width(name, SMALL) + 16:
            pen.text((xs[0] + xs[-1]) / 2, top + BAR / 2, name, SMALL, ink, "mm")
    for key in track.keys if len(track.keys) > 1 else ():
        if 0 <= key.seconds <= plan.clock.duration:
            pen.dot(plan.x(key.seconds), top + BAR, 3.5, BRIGHT, GROUND)


def _mixed(mix: Mapping[str, float], color: Callable[[str], Color]) -> np.ndarray:
    """The colours of a mix, by weight."""
    return sum(weight * np.array(color(name), float) for name, weight in mix.items()).round()
