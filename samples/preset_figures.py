"""The pictures of docs/presets.md: every easing as a curve, and what `pace: even` does to a walk.

python -m samples.preset_figures            # writes docs/pictures/*.png and prints what it measured
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

import render
from render.latents.pace import as_floats, colour_distances, picture_distances, unevenness
from render.pen import Pen, mixed
from render.sheets.look import BRIGHT, GRID, GROUND, GUIDE, MUTED, PANEL, SMALL, TEXT, hue
from render.timeline import parse_easing

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
MARGIN, TITLE = 24, 22

# --- easings ------------------------------------------------------------------------------------------------

FAMILIES = ("sine", "quad", "cubic", "quart", "quint", "expo", "circ", "back", "elastic", "bounce")
EASINGS = (
    ("linear", "ease", "ease-in", "ease-out", "ease-in-out"),
    ("hold", "step-start", "steps(4)", "cubic-bezier(0.2, 0, 0, 1)", "linear(0, 0.4 20%, 1)"),
    *(
        tuple(f"{turn}-{family}" for family in half)
        for half in (FAMILIES[:5], FAMILIES[5:])
        for turn in ("in", "out", "in-out")
    ),
)
CELL, GAP, SPAN = (190, 104), 14, 1.85  # pixels of a cell; the values that fit in its height
SAMPLES = 720


def easing_figure() -> Image.Image:
    """Every easing by its name: time to the right, the value upwards from the lower line to the upper one."""
    width = 2 * MARGIN + len(EASINGS[0]) * (CELL[0] + GAP) - GAP
    height = 2 * MARGIN + len(EASINGS) * (CELL[1] + TITLE + GAP) - GAP
    pen = Pen(width, height, GROUND)
    for row, names in enumerate(EASINGS):
        for column, name in enumerate(names):
            left = MARGIN + column * (CELL[0] + GAP)
            _draw_easing(pen, left, MARGIN + row * (CELL[1] + TITLE + GAP), name, hue(row))
    return pen.finished()


def _draw_easing(pen: Pen, left: float, top: float, name: str, color: tuple[int, int, int]) -> None:
    pen.text(left + 2, top + TITLE / 2, name, SMALL, TEXT)
    top += TITLE
    pen.box(left, top, left + CELL[0], top + CELL[1], PANEL)
    ground = top + CELL[1] / 2 + CELL[1] / SPAN / 2
    for value in (0, 1):
        level = ground - value * CELL[1] / SPAN
        pen.line([(left, level), (left + CELL[0], level)], 1, GUIDE)
    easing = parse_easing(name)
    shares = np.linspace(0, 1, SAMPLES + 1)
    points = [(left + share * CELL[0], ground - easing(share) * CELL[1] / SPAN) for share in shares]
    pen.line(points, 2, color)


# --- even pace ----------------------------------------------------------------------------------------------

WALK = {"seeds": "0-4"}
PLOT, SEEN = (960, 150), 1.15  # pixels of a plot; how far above the highest value it reaches


def pace_figure() -> Image.Image:
    """How much the picture changes from frame to frame along one walk, by the clock and at an even pace."""
    changes = {pace: _changes(pace) for pace in ("clock", "even")}
    pen = Pen(PLOT[0] + 2 * MARGIN, 2 * (PLOT[1] + TITLE + GAP) + 2 * MARGIN - GAP, GROUND)
    highest = SEEN * max(float(each["seen"].max()) for each in changes.values())
    for row, (pace, each) in enumerate(changes.items()):
        words = {name: f"{unevenness(steps):.3f}" for name, steps in each.items()}
        print(f"pace: {pace:5s}  variation {words['seen']} as seen, {words['colour']} by colour alone")
        top = MARGIN + row * (PLOT[1] + TITLE + GAP)
        _draw_changes(pen, top, f"pace: {pace}", words["seen"], each["seen"] / highest, hue(row))
    for name in ("seen", "colour"):
        before, after = (unevenness(changes[pace][name]) for pace in ("clock", "even"))
        print(f"{name}: {before / after:.1f} times more even")
    return pen.finished()


def _changes(pace: str) -> dict[str, np.ndarray]:
    """Distances between neighbouring frames of a walk, around the loop."""
    preset = render.Preset(
        models={"portrait": "sample:portrait"},
        clip={"duration": "8s", "fps": 25, "loop": True},
        latents={**WALK, "pace": pace},
    )
    frames = np.stack(list(render.frames(preset)))
    pictures = list(as_floats(np.concatenate([frames, frames[:1]])))
    return {"seen": picture_distances(iter(pictures)), "colour": colour_distances(iter(pictures))}


def _draw_changes(
    pen: Pen, top: float, title: str, variation: str, steps: Sequence[float], color: tuple[int, int, int]
) -> None:
    """Bars of the change from frame to frame, as shares of the plot's height, and their mean."""
    right = MARGIN + PLOT[0]
    pen.text(MARGIN + 2, top + TITLE / 2, title, SMALL, BRIGHT)
    pen.text(
        right - 2, top + TITLE / 2, f"change from frame to frame; variation {variation}", SMALL, MUTED, "rm"
    )
    top += TITLE
    bottom = top + PLOT[1]
    pen.box(MARGIN, top, right, bottom, PANEL)
    wide = PLOT[0] / len(steps)
    for index, step in enumerate(steps):
        left, height = MARGIN + index * wide, step * PLOT[1]
        corners = [
            (left + 0.5, bottom),
            (left + 0.5, bottom - height),
            (left + wide, bottom - height),
            (left + wide, bottom),
        ]
        pen.area(corners, mixed(color, PANEL, 0.8))
    mean = bottom - float(np.mean(steps)) * PLOT[1]
    pen.line([(MARGIN, mean), (right, mean)], 1, TEXT)
    pen.line([(MARGIN, bottom), (right, bottom)], 1, GRID)


FIGURES = {"easings": easing_figure, "even-pace": pace_figure}


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the pictures of docs/presets.md.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(FIGURES)}")
    options = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    for name in options.names or FIGURES:
        path = PICTURES / f"{name}.png"
        FIGURES[name]().quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
        print(path.relative_to(PICTURES.parent.parent), flush=True)


if __name__ == "__main__":
    main()
