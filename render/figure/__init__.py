"""Figures: grids of one preset with other values, as pictures, pages to zoom in, and films."""

from .axes import Axis, read_axis
from .grid import Grid, save_grid

__all__ = ["Axis", "Grid", "read_axis", "save_grid"]
