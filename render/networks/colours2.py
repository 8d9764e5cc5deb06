"""StyleGAN2's to-RGB, fast: the picture so far is doubled in the same pass."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from render.networks.cpu import CpuLibrary
from render.networks.cpu_passes import Colours
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


def weights_of(made: Rgb | Pair, w: Tensor) -> tuple[Tensor, Tensor]:
    """What the samples of w [N, w_dim] are coloured by: weight [N, C, I] and bias [N, C].

    There are few outputs, so every sample's own weight costs nothing.
    """
    if isinstance(made, Pair):
        own = [made.single(sample, "weight", "bias") for sample in range(len(w))]
        weight, bias = (torch.stack([getattr(one, name) for one in own]) for name in ("weight", "bias"))
    else:
        weight, bias = made.weight, made.bias.expand(len(w), -1)
    return (weight * made.style(w)[..., None]).transpose(1, 2), bias


def draw_colours(x: Tensor, colours: Colours, kernel: Tensor, library: CpuLibrary | None) -> Tensor:
    """Colours of x [N, I, H, W], with the picture so far: float32 [N, C, H, W].

    The filter that doubles is `kernel [k, k]`, or the colours' `taps` where it can be parted.
    """
    if library is not None and colours.taps is not None:
        return library.colours(x, colours)
    bound = colours.clamp
    y = torch.bmm(flat(x), colours.weight.transpose(1, 2).to(x.dtype))
    y = y.transpose(1, 2).to(torch.float32).contiguous()
    y = y.add_(colours.bias[..., None]).clamp_(-bound, bound).reshape(len(y), -1, *x.shape[2:])
    return y if colours.image is None else y.add_(upsample_picture(colours.image, kernel))


def upsample_picture(image: Tensor, kernel: Tensor) -> Tensor:
    """`ops.upsample2d` of a picture of few channels, [N, C, H, W] → [N, C, 2H, 2W], without storing zeros."""
    height, width = image.shape[2:]
    size_y, size_x = kernel.shape
    weight = kernel[None, None].to(image.dtype) * 4
    # One by one: the CPU's library sums in another order where there are more of them.
    parts = image.split(1) if image.device.type == "cpu" else [image]
    doubled = [F.conv_transpose2d(part.reshape(-1, 1, height, width), weight, stride=2) for part in parts]
    # As many samples as zeros and samples together; the filter's middle stays where it was.
    top, left = size_y - 1 - (size_y + 1) // 2, size_x - 1 - (size_x + 1) // 2
    ends = (-left, 2 * width + left - doubled[0].shape[3], -top, 2 * height + top - doubled[0].shape[2])
    whole = torch.cat([F.pad(part, ends) for part in doubled])
    return whole.reshape(*image.shape[:2], 2 * height, 2 * width)
