"""Generators: mapping (z → w) and synthesis (ws → image), one module an architecture."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from render.networks.generator import Generator, Layer, Provenance, Role, StyleInput
from render.networks.stylegan1 import StyleGAN1, StyleGAN1Config
from render.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from render.networks.stylegan3 import StyleGAN3, StyleGAN3Config

GENERATORS: dict[str, type[Generator]] = {cls.architecture: cls for cls in (StyleGAN1, StyleGAN2, StyleGAN3)}


class _WithoutRandomNumbers(TorchFunctionMode):
    """Weights that are about to be replaced are left unset, and their memory untouched.

    The `meta` device would do the same, but its first use imports a second's worth of symbolic mathematics.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.Tensor.normal_:
            return args[0]
        return (torch.empty if func is torch.randn else func)(*args, **(kwargs or {}))


def build(config: Any, tensors: dict[str, Tensor], provenance: Provenance | None = None) -> Generator:
    """The generator of `config` around `tensors`, which it adopts without a copy; it is ready to render."""
    cls = next(cls for cls in GENERATORS.values() if isinstance(config, cls.config_type))
    with _WithoutRandomNumbers():
        generator = cls(config)
    generator.load_tensors(tensors)
    generator.provenance = provenance or Provenance()
    return generator.eval()


__all__ = [
    "GENERATORS",
    "Generator",
    "Layer",
    "Provenance",
    "Role",
    "StyleGAN1",
    "StyleGAN1Config",
    "StyleGAN2",
    "StyleGAN2Config",
    "StyleGAN3",
    "StyleGAN3Config",
    "StyleInput",
    "build",
]
