"""StyleGAN3's signal processing: low-pass filters by Kaiser's design, and the filtered leaky ReLU.

Sources: Karras et al., "Alias-Free Generative Adversarial Networks" (2021), sections 2 and 3 and the appendix
on filters; J. F. Kaiser's window design (1974), as in Oppenheim & Schafer. Frequencies are cycles per picture
width, sampling rates are samples per picture width.

Shapes: N batch, C channels, H×W pixels, k taps.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SLOPE, GAIN = 0.2, math.sqrt(2)  # of the leaky ReLU


def lowpass_filter(
    taps: int, cutoff: float, half_width: float, rate: float, radial: bool = False
) -> Tensor | None:
    """The filter that passes up to `cutoff - half_width` and stops from `cutoff + half_width` on.

    A windowed sinc `[k]`, used along both axes; `radial` gives its rotationally symmetric relative, a
    windowed jinc `[k, k]`. Sums to 1. One tap filters nothing: None.
    """
    if taps == 1:
        return None
    # The ideal filter's impulse response, sampled symmetrically about its middle.
    places = (torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2) / rate
    window = torch.kaiser_window(
        taps, periodic=False, beta=_kaiser_beta(taps, 4 * half_width / rate), dtype=torch.float64
    )
    if radial:
        distance = torch.hypot(places[:, None], places[None, :])
        # Its limit at 0 is π · cutoff²; the smallest distance stands in for it.
        distance = distance.clamp(min=1e-9 / rate)
        kernel = cutoff * torch.special.bessel_j1(2 * math.pi * cutoff * distance) / distance
        kernel = kernel * window[:, None] * window[None, :]
    else:
        kernel = torch.sinc(2 * cutoff * places) * window
    return (kernel / kernel.sum()).to(torch.float32)


def _kaiser_beta(taps: int, transition: float) -> float:
    """The window's shape for a `transition` band as a fraction of the Nyquist frequency."""
    attenuation = 2.285 * (taps - 1) * math.pi * transition + 7.95  # decibels
    if attenuation > 50:
        return 0.1102 * (attenuation - 8.7)
    return 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21) if attenuation > 21 else 0.0


def centered_padding(
    size: int, wanted: int, up: int, down: int, up_taps: int, down_taps: int
) -> tuple[int, int]:
    """Zeros before and after (negative: cropped) the upsampled signal, for a result of `wanted` samples.

    `size` samples become `size · up`, lose `up_taps - 1` and `down_taps - 1` in the filters, and each
    `down`-th is kept. The middles of both signals are to coincide: from there, with m the middle of the
    samples among their zeros, before = (wanted - 1) · down / 2 - (size - 1) · up / 2 + (up_taps + down_taps
    - 2) / 2, rounded up.
    """
    total = (wanted - 1) * down + 1 - size * up + up_taps + down_taps - 2
    before = (total + up) // 2
    return before, total - before


def upsample(x: Tensor, kernel: Tensor | None, up: int, before: int, after: int) -> Tensor:
    """x [N, C, H, W] → [N, C, H·up + before + after - k + 1, …]: zeros between, zeros around, filter.

    `kernel` is `[k]` (both axes) or `[k, k]`; brightness is kept. A transposed convolution gives the filtered
    signal without ever storing the zeros; only its ends are then too long or too short.
    """
    taps = 1
    if kernel is not None:
        taps = kernel.shape[-1]
        for weight, stride_y, stride_x in _passes(kernel, up):
            gain = stride_y * stride_x
            weight = (weight * gain).to(x.dtype).expand(x.shape[1], 1, -1, -1)
            x = F.conv_transpose2d(x, weight, stride=(stride_y, stride_x), groups=x.shape[1])
    ends = (before - taps + 1, after + up - taps) * 2
    return F.pad(x, ends) if any(ends) else x


def downsample(x: Tensor, kernel: Tensor | None, down: int) -> Tensor:
    """x [N, C, H, W] → [N, C, (H - k) // down + 1, …]: filter without padding, keep every `down`-th."""
    if kernel is None:
        return x[:, :, ::down, ::down]
    for weight, stride_y, stride_x in _passes(kernel, down):
        weight = weight.flip([0, 1]).to(x.dtype).expand(x.shape[1], 1, -1, -1)
        x = F.conv2d(x, weight, stride=(stride_y, stride_x), groups=x.shape[1])
    return x


def _passes(kernel: Tensor, factor: int) -> list[tuple[Tensor, int, int]]:
    """What to convolve with, and by which strides: once for a plane, along each axis for a line."""
    if kernel.ndim == 2:
        return [(kernel, factor, factor)]
    return [(kernel[:, None], factor, 1), (kernel[None, :], 1, factor)]


def filtered_lrelu(
    x: Tensor,
    up_filter: Tensor | None,
    down_filter: Tensor | None,
    up: int,
    down: int,
    padding: tuple[int, int],
    clamp: float | None = None,
) -> Tensor:
    """Leaky ReLU at a raised sampling rate, where its new high frequencies can be filtered away.

    x [N, C, H, W]; `padding` as of `centered_padding`. The activation is clamped to ±`clamp`.
    """
    x = F.leaky_relu(upsample(x, up_filter, up, *padding), SLOPE) * GAIN
    return downsample(x if clamp is None else x.clamp(-clamp, clamp), down_filter, down)
