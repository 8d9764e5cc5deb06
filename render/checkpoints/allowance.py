"""How much a file may make this process build: no more than its own tensors call for.

A config is a few numbers, and the network it describes may be endless: a width of 10^12, a mapping network
of 10^9 layers. A tensor without elements can claim such a width and costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Self

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from render.errors import CheckpointError

SLACK = 2**21  # numbers beyond those of the file: noise maps, filters
EACH = 1000  # what one tensor counts for at least, since even an empty one is an object
MAX_WIDTH = 2**16
FACTORIES = frozenset(
    {torch.empty, torch.zeros, torch.ones, torch.full, torch.randn, torch.rand, torch.arange, torch.eye}
)


class Allowance(TorchFunctionMode):
    """Inside this block new tensors hold at most so many numbers together. Raises CheckpointError."""

    def __init__(self, numbers: int):
        super().__init__()
        self.left = numbers

    @classmethod
    def for_tensors(cls, tensors: Iterable[Tensor]) -> Self:
        """What a network may take whose weights these are: twice their size, and a little."""
        sizes = [tensor.numel() for tensor in tensors]
        return cls(2 * sum(sizes) + EACH * len(sizes) + SLACK)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in FACTORIES:
            size = args[0] if args and isinstance(args[0], tuple | list) else args
            self.left -= EACH + math.prod(n for n in size if isinstance(n, int))
            if self.left < 0:
                raise CheckpointError("the file describes a network that is far larger than its tensors")
        return func(*args, **(kwargs or {}))


def no_average(w_dim: int) -> Tensor:
    """The average w [w_dim] of a file without one: zeros, so that truncation pulls towards them."""
    if w_dim > MAX_WIDTH:
        raise CheckpointError(f"the file describes a network whose w has {w_dim:,} numbers")
    return torch.zeros(w_dim)
