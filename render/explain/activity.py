"""What the layers of two networks give for the same latents: how strong it is, and how far it is apart."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from render.blending.activations import observable, observe
from render.networks import Generator


@dataclass(frozen=True)
class Activity:
    """What fine-tuning did to the activations of one layer, over all pictures, channels and places.

    name      of the layer
    strength  root mean square of what the layer gives, in a and in b
    own       ‖b − a‖/‖a‖ where both layers are given what reached the layer of a: its own doing
    whole     the same where each layer is given what its own network made: with all before it
    """

    name: str
    strength: tuple[float, float]
    own: float
    whole: float


@torch.no_grad()
def activities(
    a: Generator, b: Generator, ws: Tensor, drawn: Callable[[int], None] | None = None
) -> tuple[Activity, ...]:
    """The layers that have activations, in order, on latents `ws` [N, num_ws, w_dim] that both are given.

    drawn  called with the number of pictures that were drawn since the last call
    """
    names = tuple(observable(a))
    sums: dict[str, dict[str, float]] = {name: defaultdict(float) for name in names}
    counts: dict[str, int] = defaultdict(int)
    for first, second in zip(observe(a, ws, names, b), observe(b, ws, names), strict=True):
        for name in names:
            one, other, own = first.outputs[name], second.outputs[name], first.changed[name]
            counts[name] += one.numel()
            for key, tensor in (("a", one), ("b", other), ("own", own - one), ("whole", other - one)):
                sums[name][key] += float(tensor.float().square().sum())
        if drawn:
            drawn(2 * len(first.images))
    return tuple(_activity(name, sums[name], counts[name]) for name in names)


def _activity(name: str, sums: dict[str, float], count: int) -> Activity:
    strength = math.sqrt(sums["a"] / count), math.sqrt(sums["b"] / count)
    return Activity(name, strength, _relative(sums["own"], sums["a"]), _relative(sums["whole"], sums["a"]))


def _relative(apart: float, size: float) -> float:
    """From sums of squares; 0 where nothing moved, though there be nothing."""
    if not apart:
        return 0.0
    return math.sqrt(apart / size) if size else math.inf
