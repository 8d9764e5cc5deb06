"""What every block of a sheet has in common: its ground, lines for frames and markers, ticks for beats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from render.pen import Pen, text_width

from .look import (
    BEAT_TICK,
    DIM,
    GROUND,
    GUIDE,
    MARK,
    MARKER,
    MUTED,
    NEAREST_BEATS,
    PAD_X,
    PANEL,
    SMALL,
)
from .plan import Plan
from .scales import every_so_many

MARK_LINES = 2  # of markers' names, where they stand close together


@dataclass(frozen=True)
class Block:
    """A part of the sheet that takes the whole width.

    height  in pixels, with the room around it
    draw    (pen, y of its upper edge)
    """

    height: int
    draw: Callable[[Pen, int], None]


def draw_ground(pen: Pen, plan: Plan, top: float, height: float) -> None:
    """The box that curves lie in."""
    pen.box(plan.left - PAD_X, top, plan.right + PAD_X, top + height, PANEL)


def draw_guides(pen: Pen, plan: Plan, top: float, height: float, frames: bool = True) -> None:
    """Lines where the frames above stand, ticks on the beats, dashed lines at the markers."""
    for moment in plan.moments if frames else ():
        pen.line([(plan.x(moment), top), (plan.x(moment), top + height)], 1, GUIDE)
    for x in beat_places(plan):
        pen.line([(x, top + height - BEAT_TICK), (x, top + height)], 1.4, MUTED)
    for x in marker_places(plan).values():
        pen.dashes(x, top, top + height, MARKER)


def beat_places(plan: Plan) -> list[float]:
    """x of every beat, or of every second, fourth, eighth … where they are too close to be told apart."""
    places = [plan.x(seconds) for seconds in plan.clock.beat_seconds()]
    if len(places) < 2:
        return places
    spacing = (places[-1] - places[0]) / (len(places) - 1)
    return places[:: every_so_many(spacing, NEAREST_BEATS)]


def marker_places(plan: Plan) -> dict[str, float]:
    """x of every marker within the clip, by name, from left to right."""
    moments = sorted(plan.clock.marker_seconds.items(), key=lambda pair: pair[1])
    return {name: plan.x(seconds) for name, seconds in moments if 0 <= seconds <= plan.clock.duration}


def marks_block(plan: Plan) -> Block | None:
    """The names of the markers, in as many lines as they need; None without markers."""
    places = marker_places(plan)
    if not places:
        return None
    ends, lines = [plan.left - PAD_X] * MARK_LINES, {}
    for name, x in places.items():
        line = next((at for at, end in enumerate(ends) if x - 4 >= end), None)
        if line is not None:
            lines[name] = line
            ends[line] = x + text_width(name, SMALL) + 12
    height = MARK * (1 + max(lines.values()))

    def draw(pen: Pen, top: int) -> None:
        floor = top + height
        for name, x in places.items():
            if name in lines:
                pen.line([(x, floor - MARK * (lines[name] + 0.5) - 8), (x, floor)], 1.4, MARKER)
            else:
                pen.line([(x, floor - 6), (x, floor)], 1.4, DIM)
        for name, line in lines.items():  # over the lines of others
            x, y = places[name] + 3, floor - MARK * (line + 0.5)
            pen.box(x, y - 9, x + text_width(name, SMALL) + 6, y + 8, GROUND, radius=0)
            pen.text(x + 3, y, name, SMALL, MARKER, room=pen.width - x - 8)

    return Block(height + 4, draw)
