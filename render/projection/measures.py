"""What a projection is worth in numbers: PSNR, SSIM, and how much more a film flickers than its source."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

RANGE = 2.0  # of pictures in [-1, 1]
SSIM_WINDOW, SSIM_SIGMA = 11, 1.5
LUMA = (0.299, 0.587, 0.114)


def psnr(images: Tensor, targets: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB, [N]; both float [N, C, H, W], images clamped to [-1, 1]."""
    error = (images.clamp(-1, 1) - targets).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(RANGE**2 / error.clamp(min=1e-10))


def ssim(images: Tensor, targets: Tensor) -> Tensor:
    """Structural similarity of the luma, [N] (Wang et al. 2004: Gaussian window of 11, σ 1.5)."""
    x, y = _grey(images.clamp(-1, 1)) + 1, _grey(targets) + 1  # its formula is for brightness from 0 on
    c1, c2 = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2
    window = _window(x)

    def mean(value: Tensor) -> Tensor:
        return F.conv2d(value, window)

    mean_x, mean_y = mean(x), mean(y)
    var_x, var_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    both = mean(x * y) - mean_x * mean_y
    values = (2 * mean_x * mean_y + c1) * (2 * both + c2)
    return (values / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))).mean(dim=(1, 2, 3))


def flicker(images: Tensor, source: Tensor) -> float:
    """How much a film [T, C, H, W] changes from frame to frame beyond its source's own changes.

    The mean over pixels of |frame - frame before| - |the same in the source|, where that is above 0, in
    levels of 255; 0 for a single frame. What is wrong but stands still does not flicker.
    """
    if len(images) < 2:
        return 0.0
    beyond = images.clamp(-1, 1).diff(dim=0).abs() - source.diff(dim=0).abs()
    return float(beyond.clamp(min=0).mean() * 127.5)


def _grey(images: Tensor) -> Tensor:
    if images.shape[1] < 3:
        return images[:, :1]
    return (images[:, :3] * images.new_tensor(LUMA).reshape(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def _window(like: Tensor) -> Tensor:
    place = torch.arange(SSIM_WINDOW, dtype=like.dtype, device=like.device) - SSIM_WINDOW // 2
    line = torch.exp(-place.square() / (2 * SSIM_SIGMA**2))
    line = line / line.sum()
    return torch.outer(line, line)[None, None]
