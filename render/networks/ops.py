"""The few operations StyleGAN networks are made of, written from their mathematics.

Sources: Karras et al., "A Style-Based Generator Architecture" (2019), "Analyzing and Improving the
Image Quality of StyleGAN" (2020, section 2.2 and appendix B). These are the definitions; whatever is
faster must match them in a test.

Shapes: N batch, C/I/O channels, H×W pixels, k kernel size, D latent width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def normalize_2nd_moment(x: Tensor) -> Tensor:
    """Scale every row of `x [N, D]` to mean square 1."""
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


# name: (function, gain that keeps the variance of a unit normal input)
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "linear": (lambda x: x, 1.0),
    "relu": (F.relu, math.sqrt(2)),
    "lrelu": (lambda x: F.leaky_relu(x, 0.2), math.sqrt(2)),
    "tanh": (torch.tanh, 1.0),
    "sigmoid": (torch.sigmoid, 1.0),
    "elu": (F.elu, 1.0),
    "selu": (F.selu, 1.0),
    "softplus": (F.softplus, 1.0),
    "swish": (F.silu, math.sqrt(2)),
}


def activate(
    x: Tensor,
    bias: Tensor | None = None,
    activation: str = "linear",
    gain: float = 1.0,
    clamp: float | None = None,
) -> Tensor:
    """Bias, activation (its own gain × `gain`), clamp to ±`clamp` × `gain`. Channels lie on axis 1."""
    if bias is not None:
        x = x + bias.to(x.dtype).reshape([1, -1] + [1] * (x.ndim - 2))
    function, own_gain = ACTIVATIONS[activation]
    x = function(x)
    if own_gain * gain != 1:
        x = x * (own_gain * gain)
    return x if clamp is None else x.clamp(-clamp * gain, clamp * gain)


def setup_filter(taps: Sequence[float] | None) -> Tensor:
    """The 2-D low-pass filter `[k, k]` of 1-D `taps`: their outer product, summing to 1."""
    line = torch.tensor([1.0] if taps is None else list(taps), dtype=torch.float32)
    kernel = line if line.ndim == 2 else torch.outer(line, line)
    return kernel / kernel.sum()


def to_uint8(images: Tensor) -> Tensor:
    """float [N, C, H, W], nominally in [-1, 1] → uint8 [N, H, W, C]: x · 127.5 + 128, clamped, truncated."""
    return _pixels(_levels(images).clamp_(0, 255).to(torch.uint8))


def to_uint16(images: Tensor) -> Tensor:
    """The same in 257 times finer steps, int16 [N, H, W, C]: 32,768 less than the level from 0 to 65,535.

    Torch calculates little with uint16. Rounded to 8 bits these are the levels of `to_uint8`, every one.
    """
    levels = _levels(images).mul_(257).sub_(128).clamp_(0, 65_535).floor_()
    return _pixels(levels.sub_(32_768).to(torch.int16))


def _levels(images: Tensor) -> Tensor:
    return (images * 127.5).add_(128)


def _pixels(levels: Tensor) -> Tensor:
    """[N, C, H, W] → [N, H, W, C]; turned last, when there is least to move."""
    return levels.permute(0, 2, 3, 1).contiguous()


def filter2d(x: Tensor, kernel: Tensor, padding: tuple[int, int, int, int]) -> Tensor:
    """Convolve every channel of `x [N, C, H, W]` with one `kernel [k, k]` (true convolution: flipped).

    `padding` is left, right, top, bottom; negative values crop.
    """
    channels = x.shape[1]
    weight = kernel.flip([0, 1]).to(x.dtype).expand(channels, 1, -1, -1)
    return F.conv2d(F.pad(x, padding), weight, groups=channels)


def upsample2d(x: Tensor, kernel: Tensor, up: int = 2) -> Tensor:
    """Double `x [N, C, H, W]` to `[N, C, 2H, 2W]`: zeros between the samples, then a low-pass filter."""
    n, c, h, w = x.shape
    spread = x.new_zeros([n, c, h, up, w, up])
    spread[:, :, :, 0, :, 0] = x
    size_y, size_x = kernel.shape
    padding = ((size_x + up - 1) // 2, (size_x - up) // 2, (size_y + up - 1) // 2, (size_y - up) // 2)
    return filter2d(spread.reshape(n, c, h * up, w * up), kernel * up**2, padding)


def shrink(image: Tensor, resolution: int | None) -> Tensor:
    """image [N, C, H, W] averaged down to `resolution` pixels of width; unchanged at its own, or None."""
    factor = 1 if resolution is None else image.shape[-1] // resolution
    return image if factor <= 1 else F.avg_pool2d(image, factor)


def _fir_after_transposed(x: Tensor, kernel: Tensor) -> Tensor:
    """Low-pass the `2H+1` wide output of a stride-2 3×3 transposed convolution down to `2H`."""
    size_y, size_x = kernel.shape
    padding = ((size_x + 1) // 2 - 1, (size_x - 2) // 2, (size_y + 1) // 2 - 1, (size_y - 2) // 2)
    return filter2d(x, kernel * 4, padding)


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    *,
    demodulate: bool = True,
    up: int = 1,
    kernel: Tensor | None = None,
) -> Tensor:
    """The published definition: every sample gets a weight of its own, all convolved as groups.

    x [N, I, H, W], weight [O, I, k, k], styles [N, I]; `up` 1 or 2 (then `kernel [k, k]` is the low-pass
    filter). Returns [N, O, H·up, W·up].
    """
    n, i, h, w = x.shape
    o, _, k, _ = weight.shape
    own = weight[None] * styles[:, None, :, None, None]  # [N, O, I, k, k]
    if demodulate:
        own = own * (own.square().sum(dim=[2, 3, 4], keepdim=True) + 1e-8).rsqrt()
    own = own.to(x.dtype)
    x = x.reshape(1, n * i, h, w)
    if up == 1:
        y = F.conv2d(x, own.reshape(n * o, i, k, k), padding=k // 2, groups=n)
    else:
        own = own.transpose(1, 2).reshape(n * i, o, k, k)
        y = _fir_after_transposed(F.conv_transpose2d(x, own, stride=2, groups=n), kernel)
    return y.reshape(n, o, h * up, w * up)


def modulated_conv2d_shared(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    *,
    demodulate: bool = True,
    up: int = 1,
    kernel: Tensor | None = None,
) -> Tensor:
    """The same result with one weight for the whole batch: scale what goes in and what comes out.

    A sample's style multiplies whole input channels and its demodulation whole output channels, so both
    move from the weight to the activations, and Σ(w·s)² = (Σₖ w²) · s² is one small matrix product.
    Arguments and result as in `modulated_conv2d`.
    """
    k = weight.shape[-1]
    y = x * styles[:, :, None, None].to(x.dtype)
    shared = weight.to(x.dtype)
    if up == 1:
        y = F.conv2d(y, shared, padding=k // 2)
    else:
        y = _fir_after_transposed(F.conv_transpose2d(y, shared.transpose(0, 1), stride=2), kernel)
    if demodulate:
        energy = weight.square().sum(dim=[2, 3])  # [O, I]
        scale = (styles.square() @ energy.t() + 1e-8).rsqrt()  # [N, O]
        y = y * scale[:, :, None, None].to(x.dtype)
    return y
