"""What all generators share: a mapping network, a synthesis network, and named, blendable layers."""

from __future__ import annotations

import math
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

from torch import Tensor, nn

from render.errors import CheckpointError
from render.networks.ops import modulated_conv2d_shared

NOISE_MODES = ("const", "none", "random")
Kind = Literal["layer", "to_rgb", "mapping", "noise_map", "filter"]


@dataclass(frozen=True)
class Layer:
    """One blendable step of synthesis.

    position    0, 1, 2 … in the order of computation
    name        `32/0`, `32/1` (resolution and level), or `L7` in StyleGAN3
    resolution  pixels of the picture's width at this step (StyleGAN3: without the margin)
    level       0, 1 … within the resolution
    """

    position: int
    name: str
    resolution: int
    level: int


@dataclass(frozen=True)
class Role:
    """What one tensor is for, which decides where a blend takes it from.

    kind      layer: follows its layer.  to_rgb: follows its layer unless told otherwise.  mapping: mapping
              network, w_avg and embeddings.  noise_map: the constant noise pictures.  filter: structure,
              equal in all models.
    position  of the layer it belongs to; None for mapping
    """

    kind: Kind
    position: int | None = None


@dataclass(frozen=True)
class Provenance:
    """Where a network comes from, as far as its file says.

    source   what the file was opened as
    format   of the file: `native`, `nvlabs`, …
    kimg     thousands of images seen in training, if known
    lineage  names of the networks it was fine-tuned from, nearest first
    """

    source: str = ""
    format: str = ""
    kimg: float | None = None
    lineage: tuple[str, ...] = ()
    notes: MappingType[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StyleInput:
    """Where a row of ws becomes the style of a step of synthesis.

    row     of ws, counted from 0
    affine  weight [styles, w_dim], and the factor `weight_gain` it is used with
    to_rgb  whether it styles a to-RGB, which only colours what is already drawn
    """

    row: int
    affine: nn.Module
    to_rgb: bool = False


class Generator(nn.Module):
    """mapping (z → ws) and synthesis (ws → image); subclasses build both from a config.

    mapping(z [N, z_dim], c [N, c_dim] or None, truncation_psi=1, truncation_cutoff=None)
        → ws [N, num_ws, w_dim]
    synthesis(ws, noise_mode="const") → float32 [N, img_channels, H, W], nominally in [-1, 1]
    """

    architecture: ClassVar[str]
    config_type: ClassVar[type]
    config: Any
    mapping: nn.Module
    synthesis: nn.Module
    layers: tuple[Layer, ...]
    provenance: Provenance = Provenance()

    def role(self, tensor_name: str) -> Role:
        """What the tensor of that name (as in `state_dict`) is for."""
        raise NotImplementedError

    def structure(self) -> dict[str, str]:
        """What must be equal for two networks to exchange layers, in words: label → value."""
        raise NotImplementedError

    def style_inputs(self) -> tuple[StyleInput, ...]:
        """Every affine layer that a row of ws feeds, in the order of computation."""
        raise NotImplementedError

    @property
    def num_ws(self) -> int:
        return self.synthesis.num_ws

    @property
    def z_dim(self) -> int:
        return self.config.z_dim

    @property
    def c_dim(self) -> int:
        return self.config.c_dim

    @property
    def w_dim(self) -> int:
        return self.config.w_dim

    @property
    def resolution(self) -> int:
        """Width and height of the square picture, or the nominal side of one that is not square."""
        return self.config.resolution

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height of a picture in pixels."""
        height, width = getattr(self.config, "pixels", lambda side: (side, side))(self.resolution)
        return width, height

    def use_shared_weights(self) -> Self:
        """Switch to one weight for the whole batch: faster, and the same pictures up to float rounding.

        All samples of a batch must then be of one blend, as they are in this module anyway.
        """
        for module in self.modules():
            if hasattr(module, "convolve"):
                module.convolve = modulated_conv2d_shared
        return self

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        noise_mode: str = "const",
    ) -> Tensor:
        """z [N, z_dim] → image [N, C, H, W], float32, nominally in [-1, 1]."""
        ws = self.mapping(z, c, truncation_psi=truncation_psi, truncation_cutoff=truncation_cutoff)
        return self.synthesis(ws, noise_mode=noise_mode)

    def load_tensors(self, tensors: MappingType[str, Tensor]) -> None:
        """Take over `tensors`, strictly: all that is missing, unexpected or misshaped makes one error.

        Tensors are adopted, not copied.
        """
        own = self.state_dict()
        wrong = [f"missing: {name} {list(own[name].shape)}" for name in own if name not in tensors]
        wrong += [f"unexpected: {name} {list(tensors[name].shape)}" for name in tensors if name not in own]
        wrong += [
            f"shape of {name}: {list(tensors[name].shape)} in the file, {list(own[name].shape)} by the config"
            for name in own
            if name in tensors and tensors[name].shape != own[name].shape
        ]
        if wrong:
            shown = "\n  ".join(wrong[:20]) + (f"\n  … and {len(wrong) - 20} more" if len(wrong) > 20 else "")
            raise CheckpointError(f"the tensors do not fit a {self.architecture} of this config:\n  {shown}")
        self.load_state_dict(dict(tensors), strict=True, assign=True)
        self.requires_grad_(False)


def is_power_of_two(number: int) -> bool:
    return number > 0 and math.log2(number).is_integer()


def check_inputs(ws: Tensor, num_ws: int, w_dim: int, noise_mode: str) -> None:
    """Raises ValueError unless `ws` is [N, num_ws, w_dim] and the noise mode is one there is."""
    if noise_mode not in NOISE_MODES:
        raise ValueError(f"unknown noise_mode {noise_mode!r}; there are {', '.join(NOISE_MODES)}")
    if ws.ndim != 3 or tuple(ws.shape[1:]) != (num_ws, w_dim):
        raise ValueError(f"ws must be [N, {num_ws}, {w_dim}], not {list(ws.shape)}")
