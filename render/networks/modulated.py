"""Modulated convolution with one weight for all samples: styles and demodulation move to the data.

The definition is `ops.modulated_conv2d`. A style multiplies whole input channels and a demodulation whole
output channels, and Σ(w·s)² = (Σₖ w²) · s²: what depends on the sample is two vectors, and the weight is
everyone's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from render.networks import kernels
from render.networks.cpu_passes import Weights
from render.networks.precision import Precision

TINY = 1e-8  # of the definition: keeps a vanishing weight from dividing by 0
STEADY_ROWS = 8  # the CPU's library takes 1.2 ms for four rows of 512 in float64, and 0.2 ms for eight
STEADY_BITS = 13  # of a float32's 23, more than a short format can see
MANY_PIXELS = 32 * 32  # smaller pictures are convolved one by one


class Latest:
    """A function's latest result on a CPU: frames of one latent ask for the same again and again."""

    def __init__(self) -> None:
        self._kept: tuple[tuple | None, Tensor | None] = None, None  # replaced as one: teams share it

    def of(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """function(x), which nobody may write into."""
        if x.device.type != "cpu":
            return function(x)
        key = x.shape, x.detach().numpy().tobytes()
        known, result = self._kept
        if key != known:
            result = function(x)
            self._kept = key, result
        return result


@dataclass(frozen=True)
class Modulated:
    """A layer's weights, ready to use.

    weight        [O, I, k, k], or [I, O, k, k] for a transposed convolution, in the short format; or
                  what `pack` made of it
    energy        Σₖ w², [I, O], float64
    affine, shift  w → styles: [w_dim, I], [I], float64, their gain in them
    is_short      activations are in a short format
    is_half       float16: weights and styles are kept near 1; demodulation divides that out again
    """

    weight: Tensor | Weights
    energy: Tensor
    affine: Tensor
    shift: Tensor
    is_short: bool
    is_half: bool
    styles: Latest = field(default_factory=Latest, compare=False)
    scales: Latest = field(default_factory=Latest, compare=False)

    @classmethod
    def of(
        cls,
        weight: Tensor,
        affine: Tensor,
        shift: Tensor,
        gain: float,
        precision: Precision,
        up: bool = False,
        pack: Callable[[Tensor], Weights] | None = None,
    ) -> Modulated:
        """weight [O, I, k, k]; affine [I, w_dim] and shift [I] as the network has them, times `gain`.

        pack  makes of the float32 weight what a convolution of another kind wants
        """
        is_half = precision.dtype == torch.float16
        weight = weight.to(torch.float32)
        if is_half:
            weight = weight / weight.abs().amax(dim=[1, 2, 3], keepdim=True).clamp(min=TINY)
        if pack is not None:
            own = pack(weight)
            own, energy = replace(own, energy=None), own.energy
        else:
            energy = weight.square().sum(dim=[2, 3]).t()
            own = (weight.transpose(0, 1) if up else weight).to(precision.dtype)
            own = own.contiguous(memory_format=torch.channels_last)
        is_short = precision.dtype != torch.float32
        return cls(own, wide(energy), wide(affine * gain).t(), wide(shift), is_short, is_half)

    def halfway_to(self, other: Modulated) -> Modulated:
        """This layer with the mean of both weights."""
        own, others = self.weight, other.weight
        if isinstance(own, Weights):
            return replace(self, weight=replace(own, packed=(own.packed + others.packed).div_(2)))
        return replace(self, weight=(own + others).div_(2))

    def style(self, w: Tensor) -> Tensor:
        """w [N, w_dim] → styles [N, I]."""
        return self.styles.of(self._style, w)

    def _style(self, w: Tensor) -> Tensor:
        style = steady(w, self.affine, self.shift, self.is_short)
        return style / style.abs().amax(dim=1, keepdim=True).clamp(min=TINY) if self.is_half else style

    def demodulation(self, style: Tensor) -> Tensor:
        """styles [N, I] → the scale of every output channel, [N, O]."""
        return self.scales.of(self._scale, style)

    def _scale(self, style: Tensor) -> Tensor:
        return steady(style, self.energy, None, self.is_short, lambda x: x.square(), _root)


def _root(energy: Tensor) -> Tensor:
    return (energy + TINY).rsqrt()


def wide(tensor: Tensor) -> Tensor:
    """A tensor for `steady`: float64, where the device has it."""
    return tensor.to(torch.float32 if tensor.device.type == "mps" else torch.float64).contiguous()


def steady(
    x: Tensor,
    matrix: Tensor,
    shift: Tensor | None,
    is_short: bool,
    before: Callable[[Tensor], Tensor] | None = None,
    after: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """after(before(x) @ matrix + shift): x [N, D] → float32 [N, C], the same for a sample whatever its batch.

    Libraries sum in another order for another number of rows, another address or more threads. In float64
    that hardly shows in a result of float32, and never in its first STEADY_BITS, which is all that layers in
    a short format are given: there, the last digit of one style is a visible speck fifteen layers on.
    """
    count = len(x)
    y = x.to(matrix.dtype)
    y = y if before is None else before(y)
    if 1 < count < STEADY_ROWS:
        y = F.pad(y, (0, 0, 0, STEADY_ROWS - count))
    y = (y @ matrix)[:count]
    y = y if shift is None else y + shift
    y = (y if after is None else after(y)).to(torch.float32)
    return rounded(y) if is_short else y


def rounded(x: Tensor) -> Tensor:
    """float32 x with STEADY_BITS of its mantissa, rounded to nearest."""
    spare = 23 - STEADY_BITS
    return ((x.view(torch.int32) + (1 << spare - 1)) & -(1 << spare)).view(torch.float32)


def convolve(x: Tensor, weight: Tensor, padding: int = 1) -> Tensor:
    """`F.conv2d`, the same for a sample whatever its batch."""
    return _one_by_one(x, lambda part: F.conv2d(part, weight, padding=padding))


def convolve_double(x: Tensor, weight: Tensor, padding: int = 0) -> Tensor:
    """`F.conv_transpose2d` of stride 2, the same for a sample whatever its batch."""
    return _one_by_one(x, lambda part: F.conv_transpose2d(part, weight, stride=2, padding=padding))


def _one_by_one(x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """The CPU's library cuts the sums of small pictures differently when there are more of them."""
    if len(x) == 1 or x.device.type != "cpu" or x.shape[2] * x.shape[3] >= MANY_PIXELS:
        return function(x)
    return torch.cat([function(part) for part in x.split(1)])


def style_of(made: Modulated, w: Tensor) -> Tensor:
    """`made.style(w)`, as `Batch.each` wants it."""
    return made.style(w)


def scale_channels(x: Tensor, style: Tensor, compiled: bool | None = None) -> Tensor:
    """x [N, C, H, W] in channels_last, times style [N, C], in the format of x; `compiled` as of kernels."""
    return spatial(kernels.scale(flat(x), style, compiled=compiled), x)


def flat(x: Tensor) -> Tensor:
    """x [N, C, H, W] in channels_last → [N, H·W, C], the same memory."""
    n, c, h, w = x.shape
    return x.permute(0, 2, 3, 1).reshape(n, h * w, c)


def spatial(y: Tensor, like: Tensor) -> Tensor:
    """y [N, H·W, C] → [N, C, H, W] in channels_last, the same memory; H and W are those of `like`."""
    height, width = like.shape[2:]
    return y.reshape(len(y), height, width, -1).permute(0, 3, 1, 2)


def separate(kernel: Tensor, gain: float) -> Tensor | None:
    """The taps [k] of a filter [k, k] that sums to 1, times `gain`; None if they differ between the axes."""
    taps = kernel.sum(0)
    return taps * gain if torch.allclose(torch.outer(taps, taps), kernel, atol=1e-7) else None


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


def double(x: Tensor, weight: Tensor, kernel: Tensor) -> Tensor:
    """x [N, I, H, W] → [N, O, 2H, 2W]: transposed convolution with `weight [I, O, 3, 3]`, then the low-pass.

    Folded into one, filter and convolution would be four times the arithmetic.
    """
    size_y, size_x = kernel.shape
    ends = ((size_x + 1) // 2 - 1, (size_x - 2) // 2, (size_y + 1) // 2 - 1, (size_y - 2) // 2)
    return depthwise(convolve_double(x, weight), kernel * 4, ends)
