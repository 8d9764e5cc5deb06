"""StyleGAN1's generator (Karras et al. 2019, "A Style-Based Generator Architecture", section 2, appendix B).

Tensors are named after StyleGAN2's (`synthesis.b8.conv0.affine.weight` …). A layer is a convolution, noise,
bias, leaky ReLU, instance norm and style, in this order; at 4×4 the first one has the constant instead of
a convolution. Gains for the activation lie in the weights, so that biases are not scaled by them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from render.errors import CheckpointError
from render.networks import ops
from render.networks.generator import Generator, Role, StyleInput, check_inputs
from render.networks.pyramid import Pyramid
from render.networks.stylegan2 import FullyConnected, Mapping

FUSED_FROM = 128  # pixels of the shorter side, where upscaling is fused by 'auto'
FUSED = ("auto", True, False)
ACTIVATIONS = ("lrelu", "relu")
INSTANCE_EPSILON = 1e-8


@dataclass(frozen=True)
class StyleGAN1Config(Pyramid):
    """Everything that shapes the network.

    resolution             pixels of the picture's side; nominal if it is not square
    const_size             height and width of the constant
    z_dim, w_dim, c_dim    widths of the two latent spaces and of the label (0: unconditional)
    img_channels           1, 3 or 4
    channel_base, channel_max   channels at resolution R: min(channel_base / R, channel_max)
    channels               those widths given one by one (4, 8, 16 …) instead
    fused                  upscaling by a transposed convolution: True, False (nearest neighbours, then a
                           convolution), or 'auto': from 128 px on
    blur_filter            low-pass taps after upscaling; None: no blur
    use_noise              False: layers have no noise inputs
    mapping_*              depth, hidden width, a label's width, activation, learning-rate multiplier
    """

    resolution: int
    z_dim: int = 512
    c_dim: int = 0
    w_dim: int = 512
    img_channels: int = 3
    channel_base: int = 16384
    channel_max: int = 512
    channels: tuple[int, ...] | None = None
    fused: bool | str = "auto"
    blur_filter: tuple[float, ...] | None = (1, 2, 1)
    use_noise: bool = True
    activation: str = "lrelu"
    mapping_layers: int = 8
    mapping_features: int | None = None
    mapping_embed: int | None = None
    mapping_activation: str = "lrelu"
    mapping_lr_multiplier: float = 0.01
    const_size: tuple[int, int] = (4, 4)

    label_concat = True  # the only way with labels that this architecture has

    def __post_init__(self) -> None:
        self.check_sizes()
        if self.fused not in FUSED:
            raise CheckpointError(f"unknown fused={self.fused!r}; there are 'auto', True and False")
        for name in (self.activation, self.mapping_activation):
            if name not in ACTIVATIONS:
                raise CheckpointError(f"unknown activation {name!r}; there are {', '.join(ACTIVATIONS)}")

    @property
    def label_width(self) -> int:
        """How many numbers the mapping network gets for a label, beside z."""
        return (self.mapping_embed or self.z_dim) if self.c_dim else 0

    def is_fused(self, resolution: int) -> bool:
        """Whether upscaling to that resolution is fused."""
        return min(self.pixels(resolution)) >= FUSED_FROM if self.fused == "auto" else bool(self.fused)


class Dense(FullyConnected):
    """x [N, in] → [N, out]: the activation's gain multiplies the weight, and not the bias."""

    def forward(self, x: Tensor) -> Tensor:
        function, gain = ops.ACTIVATIONS[self.activation]
        y = x @ (self.weight.t() * (self.weight_gain * gain)).to(x.dtype)
        return function(y + self.bias * self.bias_gain)


class StyleGAN1Mapping(Mapping):
    """z [N, z_dim] and label c [N, c_dim] → ws [N, num_ws, w_dim]."""

    dense = Dense


class Finish(nn.Module):
    """What follows a convolution or the constant: noise, bias, activation, instance norm, style.

    x [N, C, H, W], w [N, w_dim] → [N, C, H, W].
    """

    def __init__(self, config: StyleGAN1Config, channels: int, resolution: int):
        super().__init__()
        self.config = config
        self.affine = Dense(config.w_dim, 2 * channels)
        self.bias = nn.Parameter(torch.zeros(channels))
        if config.use_noise:
            self.noise_strength = nn.Parameter(torch.zeros(channels))
            self.register_buffer("noise_const", torch.randn(*config.pixels(resolution)))

    def finish(self, x: Tensor, w: Tensor, noise_mode: str) -> Tensor:
        if self.config.use_noise and noise_mode != "none":
            noise = torch.randn_like(x[:, :1]) if noise_mode == "random" else self.noise_const
            x = x + noise * self.noise_strength[:, None, None]
        function, _ = ops.ACTIVATIONS[self.config.activation]
        x = function(x + self.bias[:, None, None])
        x = x - x.mean(dim=[2, 3], keepdim=True)
        x = x * (x.square().mean(dim=[2, 3], keepdim=True) + INSTANCE_EPSILON).rsqrt()
        scale, shift = self.affine(w)[:, :, None, None].chunk(2, dim=1)  # [N, C, 1, 1] each
        return x * (scale + 1) + shift


class Constant(Finish):
    """The first layer: a trained constant, finished as every layer is. w [N, w_dim] → [N, C, h, w]."""

    def __init__(self, config: StyleGAN1Config, channels: int):
        super().__init__(config, channels, resolution=4)
        self.const = nn.Parameter(torch.ones(channels, *config.const_size))

    def forward(self, w: Tensor, noise_mode: str) -> Tensor:
        return self.finish(self.const.expand(len(w), -1, -1, -1), w, noise_mode)


class Convolution(Finish):
    """3×3 convolution, finished: x [N, I, H, W], w [N, w_dim] → [N, O, H, W], or twice the size if `up`."""

    def __init__(self, config: StyleGAN1Config, inputs: int, outputs: int, resolution: int, up: bool):
        super().__init__(config, outputs, resolution)
        self.up, self.fused = up, up and config.is_fused(resolution)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.weight_gain = ops.ACTIVATIONS[config.activation][1] / math.sqrt(9 * inputs)
        if up:
            self.register_buffer("blur_filter", ops.setup_filter(config.blur_filter))

    def forward(self, x: Tensor, w: Tensor, noise_mode: str) -> Tensor:
        weight = self.weight * self.weight_gain
        if not self.up:
            return self.finish(F.conv2d(x, weight, padding=1), w, noise_mode)
        if self.fused:
            x = fused_upscale(x, weight)
        else:
            x = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), weight, padding=1)
        return self.finish(blur(x, self.blur_filter), w, noise_mode)


def fused_upscale(x: Tensor, weight: Tensor) -> Tensor:
    """Doubles `x [N, I, H, W]` to `[N, O, 2H, 2W]` by a transposed convolution.

    Its 4×4 kernel is the 3×3 `weight [O, I, 3, 3]` summed over four places, each moved by up to one pixel.
    """
    return F.conv_transpose2d(x, fused_kernel(weight).transpose(0, 1), stride=2, padding=1)


def fused_kernel(weight: Tensor) -> Tensor:
    """That kernel, [O, I, 4, 4]."""
    wide = F.pad(weight, (1, 1, 1, 1))  # [O, I, 5, 5]
    return wide[..., 1:, 1:] + wide[..., :-1, 1:] + wide[..., 1:, :-1] + wide[..., :-1, :-1]


def blur(x: Tensor, kernel: Tensor) -> Tensor:
    """Low-pass `x [N, C, H, W]` without changing its size."""
    size_y, size_x = kernel.shape
    if size_y == size_x == 1:
        return x
    return ops.filter2d(x, kernel, ((size_x - 1) // 2, size_x // 2, (size_y - 1) // 2, size_y // 2))


class ToRGB(nn.Module):
    """1×1 convolution: x [N, I, H, W] → [N, img_channels, H, W]. It has no style."""

    def __init__(self, config: StyleGAN1Config, inputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(config.img_channels, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(config.img_channels))
        self.weight_gain = 1 / math.sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.weight_gain, self.bias)


class Block(nn.Module):
    """All of one resolution: its two layers, and the to-RGB if it is the last one."""

    def __init__(self, config: StyleGAN1Config, resolution: int):
        super().__init__()
        width, below = config.width(resolution), config.width(max(resolution // 2, 4))
        if resolution == 4:
            self.input = Constant(config, width)
        else:
            self.conv0 = Convolution(config, below, width, resolution, up=True)
        self.conv1 = Convolution(config, width, width, resolution, up=False)
        if resolution == config.resolution:
            self.torgb = ToRGB(config, width)

    def forward(self, x: Tensor | None, ws: Tensor, noise_mode: str) -> Tensor:
        """x [N, I, H/2, W/2] (None for the first block), ws [N, 2, w_dim] → [N, O, H, W]."""
        x = self.input(ws[:, 0], noise_mode) if x is None else self.conv0(x, ws[:, 0], noise_mode)
        return self.conv1(x, ws[:, 1], noise_mode)


class Synthesis(nn.Module):
    """ws [N, num_ws, w_dim] → image [N, img_channels, H, W], float32, nominally in [-1, 1]."""

    def __init__(self, config: StyleGAN1Config):
        super().__init__()
        self.config = config
        self.num_ws = 2 * len(config.resolutions)
        for resolution in config.resolutions:
            setattr(self, f"b{resolution}", Block(config, resolution))

    @property
    def blocks(self) -> list[Block]:
        return [getattr(self, f"b{resolution}") for resolution in self.config.resolutions]

    def forward(self, ws: Tensor, noise_mode: str = "const", resolution: int | None = None) -> Tensor:
        """`noise_mode`: const (the network's own noise maps), none, or random (fresh for every sample).

        `resolution` asks for a smaller picture: it is drawn in full and averaged down.
        """
        check_inputs(ws, self.num_ws, self.config.w_dim, noise_mode)
        ws, x = ws.to(torch.float32), None
        for index, block in enumerate(self.blocks):
            x = block(x, ws[:, 2 * index : 2 * index + 2], noise_mode)
        image = self.blocks[-1].torgb(x)
        # Resolutions are nominal; `shrink` counts pixels of width.
        return ops.shrink(image, resolution and resolution * self.config.const_size[1] // 4)


class StyleGAN1(Generator):
    """The whole generator. Built with random weights; `load_tensors` gives it trained ones."""

    architecture = "stylegan1"
    config_type = StyleGAN1Config

    def __init__(self, config: StyleGAN1Config):
        super().__init__()
        self.config = config
        self.synthesis = Synthesis(config)
        self.mapping = StyleGAN1Mapping(config, self.synthesis.num_ws)
        self.layers = config.layers()

    def style_inputs(self) -> tuple[StyleInput, ...]:
        """Two rows for every resolution; to-RGB has no style."""
        layers = [
            layer
            for block in self.synthesis.blocks
            for layer in (block.input if hasattr(block, "input") else block.conv0, block.conv1)
        ]
        return tuple(StyleInput(row, layer.affine) for row, layer in enumerate(layers))

    def structure(self) -> dict[str, str]:
        """What must be equal for two networks to exchange layers, in words: label → value."""
        fused = [resolution for resolution in self.config.resolutions[1:] if self.config.is_fused(resolution)]
        upscaling = f"from {fused[0]} px on" if fused else "nowhere"
        return self.config.structure(self.architecture, "concatenated as") | {"fused upscaling": upscaling}

    def role(self, tensor_name: str) -> Role:
        part, *rest = tensor_name.split(".")
        if part == "mapping":
            return Role("mapping")
        block, unit = rest[0], rest[1]
        level = {"input": 0, "conv0": 0}.get(unit, 1)
        position = 2 * self.config.resolutions.index(int(block[1:])) + level
        kinds = {"blur_filter": "filter", "noise_const": "noise_map"}
        return Role(kinds.get(rest[-1], "to_rgb" if unit == "torgb" else "layer"), position)
