"""Sizes and colours of a sheet. Sizes are in pixels of the finished picture."""

from __future__ import annotations

from render.panels import DARK, Color, color_of
from render.pen import HUES

NARROWEST, WIDEST = 1280, 2400
MARGIN, GUTTER = 36, 84  # around everything; left and right of the axis at least, for numbers
THUMB_GAP, TALLEST_THUMB = 6, 320
HEADER, STAMP, TITLE, PLOT_GAP, LINE = 54, 42, 34, 24, 26
PLOT, SMALL_PLOT, SMALLEST_PLOT = 150, 118, 92  # heights of plots: of up to four, of up to eight, of more
BAR, BAR_GAP = 26, 6  # of names over time
MARK = 22  # a line of markers' names
PAD_X, PAD_Y = 14, 12  # between a plot's edge and its curve
MOST_PLOTS = 14
LARGE, MEDIUM, SMALL = 22, 17, 15  # heights of letters
FILL_SHARE = 0.13  # of a track's colour, under its curve
BEAT_TICK, NEAREST_BEATS = 5, 7  # length of a tick, and the least distance of two

GROUND, PANEL, GRID, GUIDE = color_of(DARK), (24, 24, 28), (36, 36, 42), (52, 52, 60)
BRIGHT, TEXT, MUTED, DIM = (236, 236, 240), (190, 190, 198), (128, 128, 140), (84, 84, 96)
MARKER = (206, 206, 216)
# Of models: the first one is the ground that the others stand out from.
MODEL_HUES = (
    (56, 66, 98),
    (240, 128, 92),
    (112, 206, 160),
    (190, 158, 248),
    (238, 212, 108),
    (108, 188, 240),
)


def hue(number: int) -> Color:
    """The colour of a curve."""
    return HUES[number % len(HUES)]


def model_hue(number: int) -> Color:
    """The colour of a model, wherever it is shown."""
    return MODEL_HUES[number] if number < len(MODEL_HUES) else HUES[(number - len(MODEL_HUES)) % len(HUES)]
