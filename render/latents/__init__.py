"""Latents: where they come from, and how a walk moves between them. Importing this needs no torch.

Modules of their own: `directions` (moves in w), `clusters` (multimodal truncation), `pace` (even motion).
"""

from render.latents.files import Latents, check_fits, load_latents, peek_latents
from render.latents.labels import label_vector
from render.latents.loops import GreatCircle, NoiseLoop
from render.latents.sources import random_seeds, seed_latents
from render.latents.walks import Mix, Walk, slerp

__all__ = [
    "GreatCircle",
    "Latents",
    "Mix",
    "NoiseLoop",
    "Walk",
    "check_fits",
    "label_vector",
    "load_latents",
    "peek_latents",
    "random_seeds",
    "seed_latents",
    "slerp",
]
