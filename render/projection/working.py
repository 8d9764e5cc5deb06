"""A copy of a network to take gradients through: one weight for the batch, in the format that is quickest."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from render.networks import Generator
from render.networks.memory import keep_freed_memory
from render.networks.precision import find_precision


def working_copy(generator: Generator, precision: str = "auto") -> Generator:
    """`generator` again, with tensors of its own, ready for many steps forward and back.

    precision  exact (float32), fast (bfloat16 activations on a CPU, where the network knows how), or auto
    """
    made = copy.deepcopy(generator).use_shared_weights().requires_grad_(False)
    device = made.mapping.w_avg.device
    if device.type == "cpu":
        keep_freed_memory()
    chosen = find_precision(precision, device)
    # float16 would need its gradients scaled; bfloat16 has float32's range and is as quick.
    dtype = torch.float32 if chosen.name == "exact" else torch.bfloat16
    for block in getattr(made.synthesis, "blocks", ()):
        if hasattr(block, "dtype"):
            block.dtype = dtype
    return made.to(memory_format=torch.channels_last)


def noise_layers(generator: Generator) -> Iterator[nn.Module]:
    """The layers whose noise map is seen at all: those with a strength that is not 0."""
    for module in generator.synthesis.modules():
        strength = getattr(module, "noise_strength", None)
        if strength is not None and bool((strength != 0).any()) and hasattr(module, "noise_const"):
            yield module


def as_ws(latents: Tensor, num_ws: int) -> Tensor:
    """w [N, D], one row [N, 1, D], or w+ [N, num_ws, D] → ws [N, num_ws, D]."""
    if latents.ndim == 2:
        latents = latents[:, None]
    return latents.expand(-1, num_ws, -1)


@torch.no_grad()
def draw(generator: Generator, ws: Tensor, batch_size: int = 16) -> Tensor:
    """Pictures [N, C, H, W] of ws [N, num_ws, D] as a preset shows them, on the CPU."""
    return torch.cat([generator.synthesis(part, noise_mode="const").cpu() for part in ws.split(batch_size)])
