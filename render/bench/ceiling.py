"""What the machine can do: a large convolution in each format, and how many products a network needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from render.networks import Generator, StyleGAN3
from render.networks.pyramid import Pyramid

if TYPE_CHECKING:
    from render.bench.subject import Subject

SIZE = (128, 256)  # channels and pixels of the convolution that tells it


def ceiling_calls(subject: Subject) -> dict[tuple, Callable[[], object]]:
    """One call for each number format that paths have: to be measured in turns with what is compared."""
    return {("ceiling", dtype): convolution(dtype, subject.device) for dtype in subject.formats.values()}


def note_ceilings(subject: Subject, seconds: dict) -> None:
    """Remember what the calls of `ceiling_calls` took."""
    for key, taken in seconds.items():
        if key[0] == "ceiling":
            subject.ceilings[key[1]] = ceiling_flops() / taken


def convolution(dtype: torch.dtype, device: torch.device) -> Callable[[], object]:
    """A large 3×3 convolution in the layout that is fastest: the most that a network could reach."""
    channels, side = SIZE
    x = torch.randn(1, channels, side, side, device=device).to(dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 3, 3, device=device).to(dtype)
    weight = weight.contiguous(memory_format=torch.channels_last)
    return lambda: F.conv2d(x, weight, padding=1)


def ceiling_flops() -> int:
    """Products and sums of that convolution."""
    channels, side = SIZE
    return 2 * 9 * channels**2 * side**2


def convolution_flops(generator: Generator) -> float:
    """Products and sums of a picture's 3×3 (StyleGAN3-R: 1×1) convolutions; all the rest is not counted."""
    total = 0.0
    if isinstance(generator.config, Pyramid):
        for resolution, block in zip(generator.config.resolutions, generator.synthesis.blocks, strict=True):
            height, width = generator.config.pixels(resolution)
            # doubling starts from a quarter of the pixels
            for name, share in (("conv0", 0.25), ("conv1", 1)):
                if hasattr(block, name):
                    total += 2 * getattr(block, name).weight.numel() * height * width * share
    elif isinstance(generator, StyleGAN3):
        bands = generator.config.bands
        for name, before in zip(generator.synthesis.layer_names, (bands[0], *bands), strict=False):
            layer = getattr(generator.synthesis, name)
            total += 2 * layer.weight.numel() * (before.size + 2 * layer.reach) ** 2
    return total


def machine(subject: Subject) -> dict[str, str | int | float]:
    """What the figures depend on, with the ceilings; these are measured now where no part needed them."""
    if not subject.ceilings:
        note_ceilings(subject, subject.measure(ceiling_calls(subject)))
    device = subject.device
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    known = {
        "network": subject.title,
        "device": where,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    names = {dtype: str(dtype).removeprefix("torch.") for dtype in subject.ceilings}
    return known | {
        f"GFLOP/s in {names[dtype]}:": round(rate / 1e9) for dtype, rate in subject.ceilings.items()
    }
