"""StyleGAN2's to-RGB, fast: the picture so far is doubled in the same pass."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from render.networks.cpu import CpuLibrary
from render.networks.fading import Pair
from render.networks.modulated import Latest, flat, steady, wide


@dataclass(frozen=True)
class Rgb:
    """A prepared to-RGB: weight [I, C], bias [C], affine, shift and is_short as in `Modulated`."""

    weight: Tensor
    bias: Tensor
    affine: Tensor
    shift: Tensor
    is_short: bool
    styles: Latest = field(default_factory=Latest, compare=False)

    @classmethod
    def of(cls, module: nn.Module, own: dict[str, Tensor], is_short: bool) -> Rgb:
        """Of a `ToRGB` with these tensors."""
        gain = module.style_gain
        return cls(
            own["weight"][:, :, 0, 0].t().to(torch.float32),
            own["bias"].to(torch.float32),
            wide(own["affine.weight"].t() * (module.affine.weight_gain * gain)),
            wide(own["affine.bias"] * gain),
            is_short,
        )

    def style(self, w: Tensor) -> Tensor:
        """w [N, w_dim] → styles [N, I]."""
        return self.styles.of(lambda w: steady(w, self.affine, self.shift, self.is_short), w)


def draw_colours(
    made: Rgb | Pair,
    x: Tensor,
    style: Tensor,
    image: Tensor | None,
    *,
    kernel: Tensor,
    taps: Tensor | None,
    clamp: float | None,
    library: CpuLibrary | None,
) -> Tensor:
    """x [N, I, H, W] and the picture so far, of half the size → float32 [N, C, H, W].

    There are few outputs, so every sample's own weight costs nothing. The filter that doubles is `kernel
    [k, k]`, or `taps [k]` along both axes where it can be parted; `clamp` bounds what is added.
    """
    if isinstance(made, Pair):
        rest = {"kernel": kernel, "taps": taps, "clamp": clamp, "library": library}
        own = (made.single(sample, "weight", "bias") for sample in range(len(x)))
        images = [None] * len(x) if image is None else image.split(1)
        each = zip(own, x.split(1), style.split(1), images, strict=True)
        return torch.cat([draw_colours(*one, **rest) for one in each])
    weight = made.weight * style[:, :, None]  # [N, I, C]
    bound = math.inf if clamp is None else clamp
    if library is not None and taps is not None:
        return library.colours(x, weight.transpose(1, 2), made.bias, bound, image, taps)
    y = torch.bmm(flat(x), weight.to(x.dtype)).transpose(1, 2).to(torch.float32).contiguous()
    y = y.add_(made.bias[:, None]).clamp_(-bound, bound).reshape(len(y), -1, *x.shape[2:])
    return y if image is None else y.add_(upsample_picture(image, kernel))


def upsample_picture(image: Tensor, kernel: Tensor) -> Tensor:
    """`ops.upsample2d` of a picture of few channels, [N, C, H, W] → [N, C, 2H, 2W], without storing zeros."""
    _, c, height, width = image.shape
    size_y, size_x = kernel.shape
    weight = kernel[None, None].to(image.dtype) * 4
    # One by one: the library sums in another order where there are more of them.
    parts = [F.conv_transpose2d(one.reshape(c, 1, height, width), weight, stride=2) for one in image.split(1)]
    # As many samples as zeros and samples together; the filter's middle stays where it was.
    top, left = size_y - 1 - (size_y + 1) // 2, size_x - 1 - (size_x + 1) // 2
    ends = (-left, 2 * width + left - parts[0].shape[3], -top, 2 * height + top - parts[0].shape[2])
    return torch.stack([F.pad(part, ends)[:, 0] for part in parts])
