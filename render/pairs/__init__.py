"""Paired data sets, for training an image-to-image network on what a blend does."""

from .draw import PairPlan, save_pairs

__all__ = ["PairPlan", "save_pairs"]
