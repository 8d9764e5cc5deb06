"""What follows a convolution, each as one pass over memory: compiled where that has been done or asked for.

Every kernel is an ordinary function, and runs as one if it is not compiled. Convolutions are limited by
arithmetic and these by memory: one operation at a time, they would read and write the activations six times.
They see activations as `[N, P, C]`, P = H·W, which is how channels_last lies in memory. All sizes are
dynamic, so that one piece of compiled code serves every layer of every network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps

import torch
import torch.nn.functional as F
from torch import Tensor

from render.networks.compiling import COMPILED


def kernel(*shapes: str) -> Callable[[Callable], Callable]:
    """A function of tensors of these shapes (one letter an axis; 1: of length 1), and of constants by name.

    The result has one keyword more: `compiled`, as of `CompiledKernels.find`.
    """

    def wrap(function: Callable) -> Callable:
        @wraps(function)
        def call(*tensors: Tensor, compiled: bool | None = None, **constants: float):
            fast = None
            if all(t.shape[s.index("1")] == 1 for t, s in zip(tensors, shapes, strict=True) if "1" in s):
                fast = COMPILED.find(function, shapes, constants, tensors[0], compiled)
            return function(*tensors, **constants) if fast is None else fast(*tensors)

        call.shapes, call.plain = shapes, function
        return call

    return wrap


def _activated(y: Tensor, scale: Tensor, noise: Tensor, bias: Tensor, slope: float, clamp: float) -> Tensor:
    x = y.float() * scale[:, None]
    x += noise[..., None] + bias  # in place: where nothing is compiled, that is a quarter of the time
    x = F.leaky_relu(x, slope, inplace=True).clamp_(-clamp, clamp)
    # Rounded here, before any style: what is kept between two passes must be what goes on within one.
    return x.to(y.dtype)


def _scaled(x: Tensor, style: Tensor) -> Tensor:
    return (x.float() * style[:, None]).to(x.dtype)


@kernel("npc", "nc")
def scale(x: Tensor, style: Tensor) -> Tensor:
    """x [N, P, C] · style [N, C], in the format of x."""
    return _scaled(x, style)


@kernel("npc", "nc", "1p", "c")
def finish(y: Tensor, scale: Tensor, noise: Tensor, bias: Tensor, *, slope: float, clamp: float) -> Tensor:
    """Demodulation, noise, bias, leaky ReLU, clamp: y [N, P, C] → the same in its own format.

    scale [N, C], noise [1 or N, P], bias [C]. The activation's gain is already in these three.
    """
    return _activated(y, scale, noise, bias, slope, clamp)


@kernel("npc", "nc", "1p", "c", "nc")
def finish_and_scale(
    y: Tensor, scale: Tensor, noise: Tensor, bias: Tensor, style: Tensor, *, slope: float, clamp: float
) -> Tensor:
    """The same, times the `style [N, C]` of the next layer."""
    return _scaled(_activated(y, scale, noise, bias, slope, clamp), style)


@kernel("npc", "nc", "1p", "c", "nc")
def finish_both(
    y: Tensor, scale: Tensor, noise: Tensor, bias: Tensor, style: Tensor, *, slope: float, clamp: float
) -> tuple[Tensor, Tensor]:
    """`finish` and `finish_and_scale` in one pass: a to-RGB needs the one, the next layer the other."""
    x = _activated(y, scale, noise, bias, slope, clamp)
    return x, _scaled(x, style)


@kernel("npc", "1p", "c", "c")
def leaky(y: Tensor, noise: Tensor, strength: Tensor, bias: Tensor, *, slope: float) -> Tensor:
    """StyleGAN1's noise (of a strength [C] for each channel), bias and leaky ReLU: y [N, P, C] → the same."""
    return F.leaky_relu(y.float() + (noise[..., None] * strength + bias), slope).to(y.dtype)


@kernel("npc", "nc", "nc", "nc")
def stylize(x: Tensor, mean: Tensor, factor: Tensor, shift: Tensor) -> Tensor:
    """StyleGAN1's instance norm and style: (x - mean) · factor + shift, x [N, P, C], the others [N, C].

    The mean goes first: where a channel hardly varies, a difference of large products is noise.
    """
    return ((x.float() - mean[:, None]) * factor[:, None] + shift[:, None]).to(x.dtype)


@kernel("npc", "nc", "c")
def demodulate(y: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """y [N, P, C] · scale [N, C] + bias [C], in the format of y."""
    return (y.float() * scale[:, None] + bias).to(y.dtype)


def _interleaved(rows: Sequence[Tensor], slope: float, gain: float, clamp: float) -> Tensor:
    active = [(F.leaky_relu(part.float(), slope) * gain).clamp(-clamp, clamp) for part in rows]
    return torch.stack(active, 2).to(rows[0].dtype).flatten(1, 2)


@kernel("nhc", "nhc")
def interleave2(even: Tensor, odd: Tensor, *, slope: float, gain: float, clamp: float) -> Tensor:
    """StyleGAN3's leaky ReLU, on even and odd rows [N, H, W·C] → all rows in order, [N, 2H, W·C]."""
    return _interleaved((even, odd), slope, gain, clamp)


@kernel("nhc", "nhc", "nhc", "nhc")
def interleave4(
    first: Tensor, second: Tensor, third: Tensor, fourth: Tensor, *, slope: float, gain: float, clamp: float
) -> Tensor:
    """The same of every fourth row: [N, H, W·C] each → [N, 4H, W·C]."""
    return _interleaved((first, second, third, fourth), slope, gain, clamp)


INTERLEAVE = {2: interleave2, 4: interleave4}
