"""Generators: mapping (z → w) and synthesis (ws → image), one module an architecture."""

from render.networks.generator import Generator, Layer, Provenance, Role
from render.networks.stylegan2 import StyleGAN2, StyleGAN2Config

__all__ = ["Generator", "Layer", "Provenance", "Role", "StyleGAN2", "StyleGAN2Config"]
