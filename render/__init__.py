"""Morphing videos out of StyleGAN network blending.

The names below are imported when they are first used, so that `import render` is quick and imports no torch.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # as in typing, which takes a while to import; Ctrl-C meets less of it
if TYPE_CHECKING:
    from typing import Any

# Public name → the module it lives in.
_HOME: dict[str, str] = {
    "Preset": "render.preset",
    "Clip": "render.production",
    "Frame": "render.production",
    "render": "render.production",
    "again": "render.production",
    "frames": "render.production",
    "sandbox": "render.reach",
    "sheet": "render.sheets",
    "load": "render.checkpoints.load",
    "save": "render.checkpoints.native",
    "blend": "render.blending.blender",
    "Blend": "render.blending.blend",
    "Blender": "render.blending.blender",
    "BlendreelError": "render.errors",
    "PresetError": "render.errors",
    "LatentError": "render.errors",
    "PhotoError": "render.errors",
    "CheckpointError": "render.errors",
    "UnsafeCheckpointError": "render.errors",
    "BlendError": "render.errors",
    "RenderError": "render.errors",
    "EncodingError": "render.errors",
    "WorkError": "render.errors",
    "PartlyDoneError": "render.errors",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_HOME))
