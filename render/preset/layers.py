"""Layers by name, resolution or number: where on the axis of positions a swap lies.

StyleGAN1/2: position = 2 · log2(resolution / 4) + level. StyleGAN3: the input is 0, then L0, L1 … follow.
"""

from __future__ import annotations

import math
import re

from .mistakes import shown

MIN_RESOLUTION = 4
MAX_RESOLUTION = 8192

_NAME = re.compile(r"(\d+(?:\.\d+)?)(?:/([01]))?")
_LAYER = re.compile(r"[Ll](\d{1,2})")
_HELP = "a layer is a resolution such as 32, a name such as 32/1, or L7 in StyleGAN3"


def position_of(layer: float | str | tuple[float, int]) -> float:
    """The position of a layer.

    Args:
        layer: a resolution from 4 up (`32`, or `48` between two), a name (`"32/1"`, `"L7"`, `"input"`), or a
            pair (resolution, level). Twice the network's resolution lies behind its last layer.

    Raises:
        ValueError: there is no such layer; the message says what is possible.
    """
    if isinstance(layer, tuple | list):
        if len(layer) != 2 or layer[1] not in (0, 1) or isinstance(layer[1], bool):
            raise ValueError(f"a layer as a pair is [resolution, level] with level 0 or 1, not {list(layer)}")
        return _position(layer[0], layer[1])
    if isinstance(layer, str):
        return _named_position(layer)
    return _position(layer, None)


def bare_resolution(layer: float | str | tuple[float, int]) -> float | None:
    """The resolution, where a layer is given as one (`32`, `"48"`); None for names and pairs with a level."""
    try:
        return float(layer)
    except (TypeError, ValueError):
        return None


def position_of_resolution(resolution: float) -> float:
    """The position of any resolution above 0, as formulas need it. Raises ValueError at 0 and below."""
    if resolution <= 0:
        raise ValueError(f"a swap is a resolution above 0, and here it is {resolution:.4g}")
    return 2 * math.log2(resolution / 4)


def name_of(position: float) -> str:
    """The name of a position in StyleGAN1/2: `32/1`, or between two layers the resolution, `38.1`."""
    if position == int(position) and position >= 0:
        return f"{4 << int(position) // 2}/{int(position) % 2}"
    return f"{4 * 2 ** (position / 2):.3g}"


def resolution_of(position: float) -> float:
    """The resolution at a position; level 1 lies half way (a factor √2) to the next."""
    return 4 * 2 ** (position / 2)


def _named_position(name: str) -> float:
    text = name.replace(" ", "")
    if text.lower() == "input":
        return 0.0
    if match := _LAYER.fullmatch(text):
        return float(match[1]) + 1
    match = _NAME.fullmatch(text)
    if match is None:
        raise ValueError(f"unknown layer {name!r}; {_HELP}")
    return _position(float(match[1]), None if match[2] is None else int(match[2]))


def _position(resolution: float, level: int | None) -> float:
    if isinstance(resolution, bool) or not isinstance(resolution, int | float):
        raise ValueError(f"{_HELP}, not {shown(resolution)}")
    if not MIN_RESOLUTION <= resolution <= MAX_RESOLUTION:
        raise ValueError(
            f"a resolution lies from {MIN_RESOLUTION} (all layers from high) to twice the network's "
            f"(all from low), at most {MAX_RESOLUTION}, not {shown(resolution)}"
        )
    position = 2 * math.log2(resolution / 4)
    if level is not None and position % 2 != 0:
        raise ValueError(f"a layer with a level has a resolution of 4, 8, 16, 32 …, not {resolution:g}")
    return position + (level or 0)
