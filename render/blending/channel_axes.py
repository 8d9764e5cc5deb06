"""Which tensors belong to one output channel of a layer, and along which axis: what a taken channel brings.

A channel takes along what *writes* it, and how to-RGB, which shows it directly, reads it:

- the row of the convolution (or of the constant), its bias, and in StyleGAN1 its noise strength;
- in a resnet the row of the skip that is added to it;
- the column of the to-RGB at its resolution. StyleGAN2 and 3 scale that column by a style, so the row of
  to-RGB's affine layer that makes this style goes with it;
- in StyleGAN1 the two rows of the affine layer, scale and shift: there a style is applied to what comes out.

What stays with the layer: StyleGAN2's and 3's own affine layer, since it scales the *inputs* of a convolution
and all its output channels share it (demodulation needs no rule: it comes from the channel's own row); the
single noise strength of StyleGAN2; and how the next layer reads the channel, as with whole layers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from render.networks import Generator

# A tensor's name in the synthesis network: the axis its channels lie on, and the steps from the layer it is
# of to the layer that gives these channels.
_RULES: dict[str, tuple[tuple[str, int, int], ...]] = {
    "stylegan1": (
        (r"input\.const", 0, 0),
        (r"conv[01]\.weight", 0, 0),
        (r"(input|conv[01])\.(bias|noise_strength)", 0, 0),
        (r"(input|conv[01])\.affine\.(weight|bias)", 0, 0),
        (r"torgb\.weight", 1, 0),
    ),
    "stylegan2": (
        (r"const", 0, 0),
        (r"conv[01]\.(weight|bias)", 0, 0),
        (r"skip\.weight", 0, 1),
        (r"torgb\.weight", 1, 0),
        (r"torgb\.affine\.(weight|bias)", 0, 0),
    ),
    "stylegan3": (
        (r"(input\.)?weight", 0, 0),
        (r"bias", 0, 0),
    ),
}
_TO_RGB_3 = ((r"weight", 1, -1), (r"affine\.(weight|bias)", 0, -1))


@dataclass(frozen=True)
class ChannelAxis:
    """Where in a tensor the channels of a layer lie.

    position  of the layer that gives the channels
    axis      of the tensor
    count     of the layer's channels; the axis holds them once, or several times over (scale, then shift)
    length    of the axis
    """

    position: int
    axis: int
    count: int
    length: int

    def places(self, channels: Sequence[int]) -> list[int]:
        """Indices along the axis that belong to these channels."""
        return [start + channel for start in range(0, self.length, self.count) for channel in channels]


def channel_axes(generator: Generator) -> dict[str, ChannelAxis]:
    """The tensors that channels take along, by name. All others stay with their layer."""
    found = {}
    counts = _counts(generator)
    for name, tensor in generator.named_parameters():
        rule = _rule(generator, name)
        if rule is not None:
            axis, steps = rule
            position = generator.role(name).position + steps
            found[name] = ChannelAxis(position, axis, counts[position], tensor.shape[axis])
    return found


def channel_counts(generator: Generator) -> dict[str, int]:
    """How many output channels each layer has, by its name. A to-RGB that is a layer has none to take."""
    counts = _counts(generator)
    return {layer.name: counts[layer.position] for layer in generator.layers if layer.position in counts}


def _counts(generator: Generator) -> dict[int, int]:
    """Channels by position: as many as a layer has biases, or rows of its constant or input."""
    counts = {}
    for name, tensor in generator.named_parameters():
        rule = _rule(generator, name)
        if rule == (0, 0) and ".affine." not in name and generator.role(name).kind == "layer":
            counts[generator.role(name).position] = tensor.shape[0]
    return counts


def _rule(generator: Generator, name: str) -> tuple[int, int] | None:
    """Axis of the channels and steps to their layer, for the tensor of that name."""
    part, _, rest = name.partition(".")
    if part != "synthesis":
        return None
    role = generator.role(name)
    inner = rest if rest.startswith("input.") else rest.partition(".")[2]
    rules = _RULES[generator.architecture]
    if generator.architecture == "stylegan3" and role.kind == "to_rgb":
        rules = _TO_RGB_3
    return next(((axis, steps) for pattern, axis, steps in rules if re.fullmatch(pattern, inner)), None)
