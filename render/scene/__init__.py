"""A preset with its checkpoints open: the pure function from frame index to moment."""

from __future__ import annotations

from .cast import Cast, open_cast, used_models
from .moment import Moment, Picture
from .scene import Scene

__all__ = ["Cast", "Moment", "Picture", "Scene", "open_cast", "used_models"]
