"""Presets: a clip described as data, from YAML or from Python. No torch."""

from __future__ import annotations

from .animated import Animated, Keyframe, constant, read_animated
from .beats import Beats
from .blend import Blend
from .channels import TakenChannels
from .clip import Clip
from .latent_words import FileLatent, Latent, NamedLatent, SeedLatent
from .latents import Direction, Latents, Mixing
from .layer_maps import LayerCell, Layered, LayerMap
from .layer_ranges import LayerRange, Rows
from .layers import name_of, position_of, resolution_of
from .model import Preset, load_output
from .models import ModelSource
from .names import NameKeys, names_in
from .noise import Noise
from .outputs import FORMATS, AnimationOutput, GifOutput, Output, VideoOutput
from .panels import Panel, Panels
from .quantities import KIMG, PLACE, SWAP, TRUNCATION, WEIGHT, WIDTH, Quantity
from .schema import preset_schema
from .sound import Sound
from .transform import Transform
from .truncation import Clusters
from .walk import LatentKey, Stop, Walk, Waypoint

__all__ = [
    "FORMATS",
    "KIMG",
    "PLACE",
    "SWAP",
    "TRUNCATION",
    "WEIGHT",
    "WIDTH",
    "Animated",
    "AnimationOutput",
    "Beats",
    "Blend",
    "Clip",
    "Clusters",
    "Direction",
    "FileLatent",
    "GifOutput",
    "Keyframe",
    "Latent",
    "LatentKey",
    "Latents",
    "LayerCell",
    "LayerMap",
    "LayerRange",
    "Layered",
    "Mixing",
    "ModelSource",
    "NameKeys",
    "NamedLatent",
    "Noise",
    "Output",
    "Panel",
    "Panels",
    "Preset",
    "Quantity",
    "Rows",
    "SeedLatent",
    "Sound",
    "Stop",
    "TakenChannels",
    "Transform",
    "VideoOutput",
    "Walk",
    "Waypoint",
    "constant",
    "load_output",
    "name_of",
    "names_in",
    "position_of",
    "preset_schema",
    "read_animated",
    "resolution_of",
]
