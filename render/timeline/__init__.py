"""Time, easings, tracks and expressions: how numbers move over a clip. Pure Python, no torch."""

from __future__ import annotations

from .beats import parse_beats, read_beat
from .clock import Clock
from .easing import EASING_NAMES, HOLD, LINEAR, Easing, parse_easing
from .expressions import FUNCTIONS, VARIABLES, Expression, ExpressionTrack, parse_expression
from .names import NameKey, NameTrack
from .rates import exact_number, nearest_gif_rate, parse_fps, rate_text
from .spelling import did_you_mean, nearest
from .times import Term, Time, exact_text, marker_name, parse_time
from .track import REPEATS, Key, Track

__all__ = [
    "EASING_NAMES",
    "FUNCTIONS",
    "HOLD",
    "LINEAR",
    "REPEATS",
    "VARIABLES",
    "Clock",
    "Easing",
    "Expression",
    "ExpressionTrack",
    "Key",
    "NameKey",
    "NameTrack",
    "Term",
    "Time",
    "Track",
    "did_you_mean",
    "exact_number",
    "exact_text",
    "marker_name",
    "nearest",
    "nearest_gif_rate",
    "parse_beats",
    "parse_easing",
    "parse_expression",
    "parse_fps",
    "parse_time",
    "rate_text",
    "read_beat",
]
