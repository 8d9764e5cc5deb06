"""Presets: a clip described as data, from YAML or from Python. No torch."""

from __future__ import annotations

from .animated import (
    KIMG,
    PLACE,
    SWAP,
    TRUNCATION,
    WEIGHT,
    WIDTH,
    Animated,
    Keyframe,
    Quantity,
    constant,
    read_animated,
)
from .blend import Blend
from .clip import Clip
from .latents import Latents, Waypoint
from .layers import name_of, position_of, resolution_of
from .model import Preset, load_output
from .models import ModelSource
from .noise import Noise
from .outputs import FORMATS, GifOutput, Output, VideoOutput
from .panels import Panel, Panels
from .schema import preset_schema

__all__ = [
    "FORMATS",
    "KIMG",
    "PLACE",
    "SWAP",
    "TRUNCATION",
    "WEIGHT",
    "WIDTH",
    "Animated",
    "Blend",
    "Clip",
    "GifOutput",
    "Keyframe",
    "Latents",
    "ModelSource",
    "Noise",
    "Output",
    "Panel",
    "Panels",
    "Preset",
    "Quantity",
    "VideoOutput",
    "Waypoint",
    "constant",
    "load_output",
    "name_of",
    "position_of",
    "preset_schema",
    "read_animated",
    "resolution_of",
]
