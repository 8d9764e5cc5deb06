"""Low-pass filters in checkpoints: from a stored kernel to its taps, and from a config to its buffers."""

from __future__ import annotations

import torch
from torch import Tensor

from render.errors import CheckpointError
from render.networks import StyleGAN2Config, ops
from render.networks.stylegan2 import DEFAULT_FILTER

MAX_TAPS = 64  # what squares in size must not be large


def taps_of(kernel: Tensor | None) -> tuple[float, ...] | None:
    """The 1-D taps of a kernel [k, k] or [k], in whole numbers where it is made of them ([1, 3, 3, 1])."""
    if kernel is None:
        return DEFAULT_FILTER
    check_kernel(kernel)
    line = (kernel if kernel.ndim == 1 else kernel.sum(dim=0)).double()
    if len(line) == 1:
        return None
    line = line / line.sum()
    scaled = line / line[line != 0].abs().min()
    whole = bool((scaled - scaled.round()).abs().max() < 1e-4)
    return tuple(int(tap) if whole else tap for tap in (scaled.round() if whole else line).tolist())


def plane(kernel: Tensor) -> Tensor:
    """A filter of eight taps or more is kept as one line, `[k]`; here all are planes, `[k, k]`."""
    check_kernel(kernel)
    return kernel if kernel.ndim == 2 else torch.outer(kernel, kernel)


def check_kernel(kernel: Tensor) -> None:
    """Raises CheckpointError unless it is a filter: [k] or [k, k] with a few taps that do not cancel out."""
    fine = kernel.ndim in (1, 2) and all(1 <= side <= MAX_TAPS for side in kernel.shape)
    if not fine or not bool(kernel.isfinite().all()) or not float(kernel.sum()):
        raise CheckpointError(f"a low-pass filter of shape {list(kernel.shape)} is none that a network has")


def filter_buffers(config: StyleGAN2Config) -> dict[str, Tensor]:
    """The filters that a StyleGAN2 of architecture skip has, for formats that do not store them."""
    kernel, unused = ops.setup_filter(config.resample_filter), ops.setup_filter(DEFAULT_FILTER)
    buffers = {}
    for resolution in config.resolutions:
        block = f"synthesis.b{resolution}"
        buffers |= {f"{block}.resample_filter": kernel, f"{block}.conv1.resample_filter": unused}
        if resolution > 4:
            buffers[f"{block}.conv0.resample_filter"] = kernel
    return buffers
