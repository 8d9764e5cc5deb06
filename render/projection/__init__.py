"""Photographs into latent space: found by descent, saved as latents that presets walk between.

photographs   files → upright RGB pictures of the network's size
losses        how far pictures are from photographs: a pyramid, and perceptual features
start         the best of thousands of mapped samples, kept for each network
optimise      project: w with noise regularisation, w+ with a pull to w_avg
measures      PSNR, SSIM, flicker
files         latents as .npz
side_by_side  photograph, reconstruction, difference
"""

from render.projection.optimise import Plan, Projection, project
from render.projection.photographs import fitted, read_photograph, to_tensor

__all__ = ["Plan", "Projection", "fitted", "project", "read_photograph", "to_tensor"]
