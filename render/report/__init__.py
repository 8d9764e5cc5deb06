"""What `blendreel check` prints: a preset explained before anything is rendered. No torch.

Checkpoints and latents are found, told apart and, where they have one, read as far as their header.
"""

from __future__ import annotations

from .explain import describe
from .fits import model_warnings
from .frame import describe_frame
from .models import find_models
from .table import WIDTH, section
from .tracks import animated_tracks, track_row
from .words import clip_text, layer_text, mix_text, number_text, seconds_text, value_text

__all__ = [
    "WIDTH",
    "animated_tracks",
    "clip_text",
    "describe",
    "describe_frame",
    "find_models",
    "layer_text",
    "mix_text",
    "model_warnings",
    "number_text",
    "seconds_text",
    "section",
    "track_row",
    "value_text",
]
