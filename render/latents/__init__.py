"""Latents: where they come from, and how a walk moves between them."""

from render.latents.sources import seed_latents
from render.latents.walks import Walk, slerp

__all__ = ["Walk", "seed_latents", "slerp"]
