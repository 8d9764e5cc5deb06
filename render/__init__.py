"""Morphing videos out of StyleGAN network blending."""
