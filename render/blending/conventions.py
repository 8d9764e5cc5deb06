"""Conventions: where the weights of a low/high blend come from, and which weights each tensor follows.

`position` is this project's own. `pinkney` is the rule of the `blend_models.py` that most published
blends were made with (Justin Pinkney, "StyleGAN network blending", 2020). `dvschultz` is that of the script
of the same name in Derrick Schultz's stylegan2-ada-pytorch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from render.errors import BlendError

if TYPE_CHECKING:
    from render.networks.generator import Role

Place = tuple[str, int | None]  # kind and position, as `Blend.column` takes them
MAX_EXPONENT = 700  # beyond it exp overflows, and the weight has long been 0 or 1


@dataclass(frozen=True)
class Convention:
    """One way to blend.

    weights  (layer count L, swap position, width or None) → weight of `high` at every position, [L]
    place    (tensor name, its role) → the place whose weights it follows

    needs_pairs  whether it counts resolutions of two layers each, as only StyleGAN1 and 2 have them
    """

    weights: Callable[[int, float, float | None], np.ndarray]
    place: Callable[[str, Role], Place]
    needs_pairs: bool = False


def _logistic(x: np.ndarray, width: float) -> np.ndarray:
    return 1 / (1 + np.exp(np.clip(-x / width, -MAX_EXPONENT, MAX_EXPONENT)))


def _checked_width(width: float | None) -> float:
    """0 for a hard cut."""
    width = 0.0 if width is None else width
    if not isinstance(width, int | float | np.number) or not width >= 0:
        raise BlendError(f"width is a number of layers from 0 on, not {width!r}")
    return float(width)


def position_weights(layer_count: int, swap: float, width: float | None = None) -> np.ndarray:
    """clamp(p - swap + 1, 0, 1) at position p; with a width, 1 / (1 + exp(-(p - swap + 0.5) / width))."""
    x, width = np.arange(layer_count) - float(swap), _checked_width(width)
    return _logistic(x + 0.5, width) if width else np.clip(x + 1, 0.0, 1.0)


def position_place(name: str, role: Role) -> Place:
    """Layers and to-RGB by position; mapping and noise maps by their own weights."""
    return role.kind, role.position


def pinkney_weights(layer_count: int, swap: float, width: float | None = None) -> np.ndarray:
    """1 where p > swap + 1: cut two positions late. With a width, 1 / (1 + exp(-(p - swap) / width))."""
    x, width = np.arange(layer_count) - float(swap), _checked_width(width)
    return _logistic(x, width) if width else (x > 1).astype(np.float64)


def pinkney_place(name: str, role: Role) -> Place:
    """What that rule's names miss stays with the mapping's model: 4×4's convolution, resnet skips."""
    if role.kind == "layer" and (name.startswith("synthesis.b4.conv1.") or ".skip." in name):
        return "mapping", None
    return _without_to_rgb(name, role)


def dvschultz_weights(layer_count: int, swap: float, width: float | None = None) -> np.ndarray:
    """1 where the whole resolution lies above the swap: all layers of the resolution named stay with low."""
    if _checked_width(width):
        raise BlendError("convention dvschultz knows no width: it always cuts")
    positions = np.arange(layer_count)
    return (positions - positions % 2 > float(swap)).astype(np.float64)


def _without_to_rgb(name: str, role: Role) -> Place:
    """To-RGB goes with its layer: the published scripts know no weights of its own."""
    return ("layer", role.position) if role.kind == "to_rgb" else (role.kind, role.position)


CONVENTIONS: dict[str, Convention] = {
    "position": Convention(position_weights, position_place),
    "pinkney": Convention(pinkney_weights, pinkney_place),
    "dvschultz": Convention(dvschultz_weights, _without_to_rgb, needs_pairs=True),
}
