"""Time, easings, tracks and expressions: how numbers move over a clip. Pure Python, no torch."""

from __future__ import annotations

from .beats import parse_beats, read_beat
from .clock import Clock
from .draft import KeyFormula, KeyFormulaError, TrackDraft
from .easing import EASING_NAMES, HOLD, LINEAR, Easing, parse_easing
from .expressions import Expression, check_amount, parse_expression, unknown_name, variable_name
from .formula_track import ExpressionTrack, UnknownNameError
from .functions import FUNCTIONS, VARIABLES
from .names import NameKey, NameTrack
from .order import CycleError, order_of
from .rates import FASTEST_GIF, exact_number, nearest_gif_rate, parse_fps, rate_text
from .spelling import did_you_mean, nearest
from .timeline import Timeline, check_weight, references_of
from .times import Term, Time, exact_text, marker_name, parse_time
from .track import REPEATS, Key, Track
from .trial import Failure

__all__ = [
    "EASING_NAMES",
    "FASTEST_GIF",
    "FUNCTIONS",
    "HOLD",
    "LINEAR",
    "REPEATS",
    "VARIABLES",
    "Clock",
    "CycleError",
    "Easing",
    "Expression",
    "ExpressionTrack",
    "Failure",
    "Key",
    "KeyFormula",
    "KeyFormulaError",
    "NameKey",
    "NameTrack",
    "Term",
    "Time",
    "Timeline",
    "Track",
    "TrackDraft",
    "UnknownNameError",
    "check_amount",
    "check_weight",
    "did_you_mean",
    "exact_number",
    "exact_text",
    "marker_name",
    "nearest",
    "nearest_gif_rate",
    "order_of",
    "parse_beats",
    "parse_easing",
    "parse_expression",
    "parse_fps",
    "parse_time",
    "rate_text",
    "read_beat",
    "references_of",
    "unknown_name",
    "variable_name",
]
