"""Which channels fine-tuning moved most: by their weights, and by what they make of the same input.

Activations are compared layer by layer: each layer of `b` is given what reached the same layer in `a`. So a
number says what this channel does differently, and nothing of what came before it; it is what happens to the
channel when it alone is taken from `b`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from render.blending.activations import all_taken, observable, observe
from render.blending.blender import check_structure
from render.blending.channel_axes import channel_axes
from render.blending.channels import ChannelSet
from render.errors import BlendError
from render.networks import Generator

MEASURES = ("weights", "activations")


@dataclass(frozen=True)
class LayerChange:
    """What happened to the channels of one layer.

    name         of the layer
    weights      ‖b − a‖/‖a‖ of the row of weights that makes each channel, [C]
    activations  the same of what it gives, over all pictures and positions, [C]; NaN for StyleGAN2's
                 constant, which is the same in every picture
    """

    name: str
    weights: Tensor
    activations: Tensor


@torch.no_grad()
def attribute(a: Generator, b: Generator, ws: Tensor) -> tuple[LayerChange, ...]:
    """How far each channel of `b` is from the same one of `a`, on latents `ws` [N, num_ws, w_dim] of `a`.

    Raises BlendError if the two differ in structure.
    """
    check_structure([a, b])
    weights, activations = _weights(a, b), _activations(a, b, ws)
    return tuple(
        LayerChange(
            layer.name,
            weights[layer.position],
            activations.get(layer.name, torch.full_like(weights[layer.position], torch.nan)),
        )
        for layer in a.layers
        if layer.position in weights
    )


def most_moved(
    changes: Sequence[LayerChange], share: float = 0.05, by: str = "weights", name: str = "moved"
) -> ChannelSet:
    """The channels that moved most, as many as `share` of all that were measured, and at least one."""
    if by not in MEASURES:
        raise BlendError(f"channels are ranked by {' or '.join(MEASURES)}, not by {by!r}")
    if not 0 < share <= 1:
        raise BlendError(f"the share of channels lies above 0 and up to 1 (100%), not at {share:g}")
    found = [
        (-number, index, channel)
        for index, change in enumerate(changes)
        for channel, number in enumerate(getattr(change, by).tolist())
        if number == number  # not NaN
    ]
    taken = sorted(found)[: max(1, round(share * len(found)))]
    return ChannelSet(
        name,
        {
            change.name: numbers
            for index, change in enumerate(changes)
            if (numbers := tuple(sorted(channel for _, at, channel in taken if at == index)))
        },
    )


def _weights(a: Generator, b: Generator) -> dict[int, Tensor]:
    """By position: relative change of the rows of the convolution, the constant or the input, [C]."""
    own, other = dict(a.named_parameters()), dict(b.named_parameters())
    found = {}
    for name, axis in channel_axes(a).items():
        if axis.axis or own[name].ndim < 2 or ".affine." in name or ".skip." in name:
            continue
        first, second = own[name].flatten(1), other[name].flatten(1)
        found[axis.position] = _relative((second - first).norm(dim=1), first.norm(dim=1))
    return found


def _activations(a: Generator, b: Generator, ws: Tensor) -> dict[str, Tensor]:
    """By layer: relative change of what each channel gives for the same input, [C]."""
    names = tuple(observable(a))
    apart: dict[str, Tensor] = {}
    size: dict[str, Tensor] = {}
    for seen in observe(a, ws, names, all_taken([a, b])):
        for name, output in seen.outputs.items():
            difference = (seen.changed[name] - output).double().square().sum(dim=[0, 2, 3])
            apart[name] = apart.get(name, 0) + difference
            size[name] = size.get(name, 0) + output.double().square().sum(dim=[0, 2, 3])
    return {name: _relative(apart[name].sqrt(), size[name].sqrt()) for name in names}


def _relative(apart: Tensor, size: Tensor) -> Tensor:
    """0 where nothing moved, though there be nothing."""
    return torch.where(apart > 0, apart / size, 0.0).float()
