"""The stops of the walks on the axis of time: a dot for each latent that is passed, with its name."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from render.pen import Pen, text_width
from render.preset import SeedLatent, Stop, Walk
from render.preset.walk import ROUND_PATHS
from render.scene import Scene
from render.timeline import HOLD

from .ground import Block, draw_guides
from .look import BAR, BAR_GAP, BRIGHT, GROUND, MUTED, PAD_X, PLOT_GAP, SMALL, TEXT
from .plan import Plan

NEAREST_STOPS = 9  # pixels between dots; closer ones are a line


def walks_block(scene: Scene, plan: Plan) -> Block | None:
    """A line for the walk, and one for the walk that is mixed in; None where nothing is passed at a time.

    A walk that is moved by its position has a curve instead, and one that goes round has no stops.
    """
    routes = {"walk": scene.journey.route}
    if scene.journey.mixing is not None:
        routes["mixing"] = scene.journey.mixing
    rows = {
        label: (route.walk, stops)
        for label, route in routes.items()
        if route.walk.position is None and route.walk.path not in ROUND_PATHS
        if len(stops := [stop for stop in route.stops if 0 <= stop.seconds <= plan.clock.duration]) > 1
    }
    if not rows:
        return None
    height = len(rows) * (BAR + BAR_GAP) - BAR_GAP

    def draw(pen: Pen, top: int) -> None:
        for at, (label, (walk, stops)) in enumerate(rows.items()):
            y = top + at * (BAR + BAR_GAP)
            pen.text(plan.left - PAD_X - 9, y + BAR / 2, label, SMALL, MUTED, "rm")
            draw_guides(pen, plan, y, BAR, frames=False)
            _draw_stops(pen, plan, y + BAR / 2, walk, stops)

    return Block(height + PLOT_GAP - 8, draw)


def _draw_stops(pen: Pen, plan: Plan, y: float, walk: Walk, stops: Sequence[Stop]) -> None:
    places = [plan.x(stop.seconds) for stop in stops]
    for (begin, end), stop in zip(pairwise(places), stops, strict=False):
        if walk.path != "hold" and stop.easing != HOLD:
            pen.line([(begin, y), (end, y)], 1.4, MUTED)
    is_dense = (places[-1] - places[0]) / (len(places) - 1) < NEAREST_STOPS
    for x, following, stop in zip(places, [*places[1:], plan.width], stops, strict=True):
        if is_dense:
            pen.line([(x, y - 3), (x, y + 3)], 1, TEXT)
            continue
        pen.dot(x, y, 4, BRIGHT, GROUND)
        words = str(stop.latent.seed if isinstance(stop.latent, SeedLatent) else stop.latent)
        width = text_width(words, SMALL)
        if x + 9 + width + 9 < following:
            pen.box(x + 7, y - 9, x + 13 + width, y + 9, GROUND, radius=0)
            pen.text(x + 10, y, words, SMALL, TEXT)
