"""A preset with its checkpoints open: the pure function from frame index to moment.

The names below are imported when they are first used: `mixture` and `supply` alone need no torch.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {"Cast": "cast", "Moment": "moment", "Picture": "moment", "Scene": "scene"}
_HOME |= {"model_files": "cast", "open_cast": "cast", "used_models": "cast"}

__all__ = ["Cast", "Moment", "Picture", "Scene", "model_files", "open_cast", "used_models"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
