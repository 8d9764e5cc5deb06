"""Time, easings, tracks and expressions: how numbers move over a clip. Pure Python, no torch."""

from __future__ import annotations

from .clock import Clock, Term, Time, exact_text, parse_time
from .easing import EASING_NAMES, HOLD, LINEAR, Easing, parse_easing
from .expressions import Expression, ExpressionTrack, parse_expression
from .rates import nearest_gif_rate, parse_fps, rate_text
from .spelling import did_you_mean, nearest
from .track import Key, Track

__all__ = [
    "EASING_NAMES",
    "HOLD",
    "LINEAR",
    "Clock",
    "Easing",
    "Expression",
    "ExpressionTrack",
    "Key",
    "Term",
    "Time",
    "Track",
    "did_you_mean",
    "exact_text",
    "nearest",
    "nearest_gif_rate",
    "parse_easing",
    "parse_expression",
    "parse_fps",
    "parse_time",
    "rate_text",
]
