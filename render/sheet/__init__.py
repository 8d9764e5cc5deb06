"""A preset as one picture: frames of the film over names, layers and curves, on one axis of time."""

from __future__ import annotations

from .page import draw_sheet, save_sheet
from .plan import Plan, frame_indices
from .scales import layer_ticks, number_ticks, tick_text, time_ticks

__all__ = [
    "Plan",
    "draw_sheet",
    "frame_indices",
    "layer_ticks",
    "number_ticks",
    "save_sheet",
    "tick_text",
    "time_ticks",
]
