"""Modulated convolution with one weight for all samples: styles and demodulation move to the data.

The definition is `ops.modulated_conv2d`. A style multiplies whole input channels and a demodulation whole
output channels, and Σ(w·s)² = (Σₖ w²) · s²: what depends on the sample is two vectors, and the weight is
everyone's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from render.networks.precision import Precision

TINY = 1e-8  # of the definition: keeps a vanishing weight from dividing by 0


@dataclass(frozen=True)
class Modulated:
    """A layer's weights, ready to use.

    weight        [O, I, k, k], or [I, O, k, k] for a transposed convolution, in the short format
    energy        Σₖ w², [I, O], float32
    affine, shift  w → styles: [w_dim, I], [I], their gain in them
    is_half       float16: weights and styles are kept near 1; demodulation divides that out again
    """

    weight: Tensor
    energy: Tensor
    affine: Tensor
    shift: Tensor
    is_half: bool

    @classmethod
    def of(
        cls,
        weight: Tensor,
        affine: Tensor,
        shift: Tensor,
        gain: float,
        precision: Precision,
        up: bool = False,
    ) -> Modulated:
        """weight [O, I, k, k]; affine [I, w_dim] and shift [I] as the network has them, times `gain`."""
        is_half = precision.dtype == torch.float16
        weight = weight.to(torch.float32)
        if is_half:
            weight = weight / weight.abs().amax(dim=[1, 2, 3], keepdim=True).clamp(min=TINY)
        energy = weight.square().sum(dim=[2, 3]).t().contiguous()
        short = (weight.transpose(0, 1) if up else weight).to(precision.dtype)
        short = short.contiguous(memory_format=torch.channels_last)
        return cls(short, energy, affine.t() * gain, shift.to(torch.float32), is_half)

    def style(self, w: Tensor) -> Tensor:
        """w [N, w_dim] → styles [N, I]."""
        style = torch.addmm(self.shift, w, self.affine)
        return style / style.abs().amax(dim=1, keepdim=True).clamp(min=TINY) if self.is_half else style

    def demodulation(self, style: Tensor) -> Tensor:
        """styles [N, I] → the scale of every output channel, [N, O]."""
        return torch.addmm(torch.full([], TINY, device=style.device), style.square(), self.energy).rsqrt()


def style_of(made: Modulated, w: Tensor) -> Tensor:
    """`made.style(w)`, as `Batch.each` wants it."""
    return made.style(w)


def scale_channels(x: Tensor, style: Tensor) -> Tensor:
    """x [N, C, H, W] times style [N, C], in the format and layout of x."""
    return x * style[:, :, None, None].to(x.dtype)


def flat(x: Tensor) -> Tensor:
    """x [N, C, H, W] in channels_last → [N, H·W, C], the same memory."""
    n, c, h, w = x.shape
    return x.permute(0, 2, 3, 1).reshape(n, h * w, c)


def spatial(y: Tensor, like: Tensor) -> Tensor:
    """y [N, H·W, C] → [N, C, H, W] in channels_last, the same memory; H and W are those of `like`."""
    height, width = like.shape[2:]
    return y.reshape(len(y), height, width, -1).permute(0, 3, 1, 2)


def depthwise(
    x: Tensor, kernel: Tensor, ends: tuple[int, int, int, int], stride: tuple[int, int] = (1, 1)
) -> Tensor:
    """Convolve (flipped) every channel of `x [N, C, H, W]` with `kernel [k, l]`.

    `ends` is left, right, top, bottom: zeros around, negative values crop. The CPU's library does this at the
    speed of memory if it may pad by itself; a compiled sum of shifted pictures took three times as long.
    """
    left, right, top, bottom = ends
    is_even = left == right >= 0 and top == bottom >= 0
    inside = (top, left) if is_even else (0, 0)
    if not is_even:
        x = F.pad(x, ends).contiguous(memory_format=torch.channels_last)
    weight = kernel.flip([0, 1]).to(x.dtype).expand(x.shape[1], 1, -1, -1).contiguous()
    return F.conv2d(x, weight, padding=inside, stride=stride, groups=x.shape[1])
