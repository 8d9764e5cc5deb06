"""The sizes of a network that doubles a small constant up to a picture: StyleGAN1 and StyleGAN2."""

from __future__ import annotations

import math

from render.errors import CheckpointError
from render.networks.generator import Layer, is_power_of_two

MAX_RESOLUTION = 16384


class Pyramid:
    """What the configs of such networks share.

    Resolutions are nominal: 4, 8, 16 … whatever the constant's size; names and positions go by them.
    """

    resolution: int
    channel_base: int
    channel_max: int
    channels: tuple[int, ...] | None
    const_size: tuple[int, int]
    z_dim: int
    w_dim: int
    c_dim: int
    label_width: int
    img_channels: int
    activation: str
    use_noise: bool
    mapping_layers: int
    mapping_features: int | None
    mapping_activation: str
    mapping_lr_multiplier: float

    def check_sizes(self) -> None:
        """Raises CheckpointError for sizes that no network has."""
        if not (is_power_of_two(self.resolution) and 4 <= self.resolution <= MAX_RESOLUTION):
            raise CheckpointError(
                f"resolution {self.resolution} is not a power of two from 4 to {MAX_RESOLUTION}"
            )
        if len(self.const_size) != 2 or not all(1 <= side <= 64 for side in self.const_size):
            raise CheckpointError(
                f"a constant of {self.const_size} pixels is none that a network starts with"
            )
        count = len(self.resolutions)
        if self.channels is not None and len(self.channels) != count:
            raise CheckpointError(
                f"{len(self.channels)} widths for {count} resolutions, 4 to {self.resolution}"
            )
        widths = [self.z_dim, self.w_dim, *map(self.width, self.resolutions)]
        if min(widths) < 1:
            raise CheckpointError(f"a layer without numbers (the widths are {', '.join(map(str, widths))})")

    @property
    def resolutions(self) -> list[int]:
        """4, 8, … up to the picture's."""
        return [2**n for n in range(2, int(math.log2(self.resolution)) + 1)]

    def width(self, resolution: int) -> int:
        """Channels at that resolution."""
        if self.channels is not None:
            return self.channels[self.resolutions.index(resolution)]
        return min(self.channel_base // resolution, self.channel_max)

    def pixels(self, resolution: int) -> tuple[int, int]:
        """Height and width of the activations there: the constant's, doubled once per resolution."""
        height, width = self.const_size
        return height * resolution // 4, width * resolution // 4

    def layers(self) -> tuple[Layer, ...]:
        """Two for every resolution: level 0 and level 1."""
        return tuple(
            Layer(2 * index + level, f"{resolution}/{level}", resolution, level)
            for index, resolution in enumerate(self.resolutions)
            for level in (0, 1)
        )

    def structure(self, architecture: str, label_way: str) -> dict[str, str]:
        """What must be equal for two networks to exchange layers, in words: label → value."""
        hidden = self.mapping_features or self.w_dim
        mapping = f"{self.mapping_layers} layers of {hidden}, {self.mapping_activation}"
        return {
            "architecture": architecture,
            "resolution": self.size_in_words(),
            "channels": ", ".join(
                f"{resolution}: {self.width(resolution)}" for resolution in self.resolutions
            ),
            "image channels": f"{self.img_channels}",
            "latents": f"z {self.z_dim}, w {self.w_dim}",
            "mapping": f"{mapping}, learning rate × {self.mapping_lr_multiplier:g}",
            "labels": f"{self.c_dim}, {label_way} {self.label_width}" if self.c_dim else "none",
            "activation": self.activation,
            "noise inputs": "yes" if self.use_noise else "no",
        }

    def size_in_words(self) -> str:
        """`512`, or `768×512` (width × height) if the picture is not of its nominal size."""
        height, width = self.pixels(self.resolution)
        return f"{self.resolution}" if height == width == self.resolution else f"{width}×{height}"
