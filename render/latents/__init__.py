"""Latents: where they come from, and how a walk moves between them."""

from render.latents.sources import seed_latents
from render.latents.walks import Walk, plan_walk, slerp

__all__ = ["Walk", "plan_walk", "seed_latents", "slerp"]
