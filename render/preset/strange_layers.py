"""Swaps at layers that only StyleGAN3 names, `L7` and `input`, and the networks at hand do not have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .motion import spots_of
from .quantities import SWAP

if TYPE_CHECKING:
    from .model import Preset

_OF_STYLEGAN3 = re.compile(r"l\d+|input", re.IGNORECASE)


def strange_layers(preset: Preset, layers: Sequence[Any]) -> list[str]:
    """One located line for each such name; layers have a `name`, in their order.

    `512/0` may be named whatever the networks are: it lies behind the last layer, and that is a swap, too.
    """
    names, found = {layer.name.lower() for layer in layers}, []
    for spot in spots_of(preset):
        if spot.value.quantity is not SWAP:
            continue
        for index, key in enumerate(spot.value.keys):
            name = key.value.replace(" ", "") if isinstance(key.value, str) else ""
            if _OF_STYLEGAN3.fullmatch(name) and name.lower() not in names:
                place = spot.name if spot.value.is_constant else f"{spot.name}[{index}]"
                theirs = f"{layers[0].name} to {layers[-1].name}"
                found.append(f"{place}: these networks have no layer {name!r}; theirs are {theirs}")
    return found
