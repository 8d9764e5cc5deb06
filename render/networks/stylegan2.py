"""StyleGAN2's generator (Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN").

Architectures skip, resnet and orig, conditional or not. Tensors carry the names of NVIDIA's PyTorch
networks (`mapping.fc0.weight`, `synthesis.b32.conv0.affine.bias` …), which all formats are translated to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from render.errors import CheckpointError
from render.networks import ops
from render.networks.generator import Generator, Role, StyleInput, check_inputs
from render.networks.pyramid import Pyramid

ARCHITECTURES = ("skip", "resnet", "orig")
DEFAULT_FILTER = (1, 3, 3, 1)


@dataclass(frozen=True)
class StyleGAN2Config(Pyramid):
    """Everything that shapes the network.

    resolution             pixels of the picture's side; nominal if it is not square
    const_size             height and width of the constant: 4×6 makes a 512 px network draw 512×768
    z_dim, w_dim, c_dim    widths of the two latent spaces and of the label (0: unconditional)
    img_channels           1, 3 or 4
    channel_base, channel_max   channels at resolution R: min(channel_base / R, channel_max)
    channels               those widths given one by one (4, 8, 16 …) instead, for narrowed networks
    architecture           skip: a to-RGB at every resolution, summed; resnet, orig: at the last one only
    resample_filter        low-pass taps of the resampling
    num_fp16_res           how many of the last resolutions were trained in float16 (read, not obeyed)
    conv_clamp             activations are clamped to ± this
    use_noise              False: layers have no noise inputs
    mapping_*              depth, hidden width, label embedding, activation and learning-rate multiplier
    label_concat           the older way with labels: a table of vectors beside z, normalised together with it
    """

    resolution: int
    z_dim: int = 512
    c_dim: int = 0
    w_dim: int = 512
    img_channels: int = 3
    channel_base: int = 32768
    channel_max: int = 512
    channels: tuple[int, ...] | None = None
    architecture: str = "skip"
    resample_filter: tuple[float, ...] | None = DEFAULT_FILTER
    num_fp16_res: int = 0
    conv_clamp: float | None = None
    use_noise: bool = True
    activation: str = "lrelu"
    mapping_layers: int = 8
    mapping_features: int | None = None
    mapping_embed: int | None = None
    mapping_activation: str = "lrelu"
    mapping_lr_multiplier: float = 0.01
    const_size: tuple[int, int] = (4, 4)
    label_concat: bool = False

    def __post_init__(self) -> None:
        self.check_sizes()
        if self.architecture not in ARCHITECTURES:
            raise CheckpointError(
                f"unknown architecture {self.architecture!r}; there are {', '.join(ARCHITECTURES)}"
            )
        for name in (self.activation, self.mapping_activation):
            if name not in ops.ACTIVATIONS:
                raise CheckpointError(f"unknown activation {name!r}; there are {', '.join(ops.ACTIVATIONS)}")

    @property
    def label_width(self) -> int:
        """How many numbers the mapping network gets for a label, beside z."""
        default = self.z_dim if self.label_concat else self.w_dim
        return (self.mapping_embed or default) if self.c_dim else 0


class FullyConnected(nn.Module):
    """x [N, in] → [N, out] with an equalised learning rate: weight × lr/√in, bias × lr at run time."""

    def __init__(
        self, inputs: int, outputs: int, activation: str = "linear", lr: float = 1.0, bias: float = 0.0
    ):
        super().__init__()
        self.activation = activation
        self.weight_gain, self.bias_gain = lr / math.sqrt(inputs), lr
        self.weight = nn.Parameter(torch.empty(outputs, inputs).normal_(std=1 / lr))
        self.bias = nn.Parameter(torch.full([outputs], float(bias)))

    def forward(self, x: Tensor) -> Tensor:
        y = x @ (self.weight.t() * self.weight_gain).to(x.dtype)
        return ops.activate(y, self.bias * self.bias_gain, self.activation)


class LabelTable(nn.Module):
    """Label c [N, c_dim] → [N, out]: for a one-hot label its column of the weight, and nothing else."""

    def __init__(self, labels: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, labels))

    def forward(self, c: Tensor) -> Tensor:
        return c @ self.weight.t()


class Mapping(nn.Module):
    """z [N, z_dim] and label c [N, c_dim] → ws [N, num_ws, w_dim]."""

    dense = FullyConnected  # StyleGAN1 has another

    def __init__(self, config: StyleGAN2Config, num_ws: int):
        super().__init__()
        self.config, self.num_ws = config, num_ws
        lr, hidden = config.mapping_lr_multiplier, config.mapping_features or config.w_dim
        if config.c_dim and config.label_concat:
            self.label = LabelTable(config.c_dim, config.label_width)
        elif config.c_dim:
            self.embed = FullyConnected(config.c_dim, config.label_width)
        inputs = config.z_dim + config.label_width
        widths = [inputs] + [hidden] * (config.mapping_layers - 1) + [config.w_dim]
        for index, (inputs, outputs) in enumerate(pairwise(widths)):
            setattr(self, f"fc{index}", self.dense(inputs, outputs, config.mapping_activation, lr))
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
    ) -> Tensor:
        """`truncation_psi` pulls the first `truncation_cutoff` rows, or all, to `w_avg` (1: not at all)."""
        w = self.to_w(z, c)
        ws = w[:, None].repeat(1, self.num_ws, 1)  # [N, num_ws, w_dim]
        return self.truncate(ws, truncation_psi, truncation_cutoff)

    def to_w(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """z [N, z_dim] → w [N, w_dim], before truncation."""
        x = z.to(torch.float32)
        if not self.config.c_dim:
            x = ops.normalize_2nd_moment(x)
        else:
            label = x.new_zeros([len(z), self.config.c_dim]) if c is None else c.to(torch.float32)
            if self.config.label_concat:
                x = ops.normalize_2nd_moment(torch.cat([x, self.label(label)], dim=1))
            else:
                parts = [ops.normalize_2nd_moment(x), ops.normalize_2nd_moment(self.embed(label))]
                x = torch.cat(parts, dim=1)
        for index in range(self.config.mapping_layers):
            x = getattr(self, f"fc{index}")(x)
        return x

    def truncate(self, ws: Tensor, truncation_psi: float, truncation_cutoff: int | None = None) -> Tensor:
        """ws [N, num_ws, w_dim] pulled towards `w_avg`."""
        if truncation_psi == 1:
            return ws
        pulled = self.w_avg.lerp(ws[:, :truncation_cutoff], truncation_psi)
        return pulled if truncation_cutoff is None else torch.cat([pulled, ws[:, truncation_cutoff:]], dim=1)


class SynthesisLayer(nn.Module):
    """Modulated 3×3 convolution, noise, bias, activation: x [N, I, H, W], w [N, D] → [N, O, H·up, W·up]."""

    def __init__(self, config: StyleGAN2Config, inputs: int, outputs: int, resolution: int, up: int = 1):
        super().__init__()
        self.config, self.up = config, up
        self.convolve = ops.modulated_conv2d
        self.affine = FullyConnected(config.w_dim, inputs, bias=1)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        # Published networks keep a filter in every layer; where nothing is resampled, the default, unused.
        self.register_buffer(
            "resample_filter", ops.setup_filter(config.resample_filter if up > 1 else DEFAULT_FILTER)
        )
        if config.use_noise:
            self.noise_strength = nn.Parameter(torch.zeros([]))
            self.register_buffer("noise_const", torch.randn(*config.pixels(resolution)))

    def forward(self, x: Tensor, w: Tensor, noise_mode: str, gain: float = 1.0) -> Tensor:
        x = self.convolve(x, self.weight, self.affine(w), up=self.up, kernel=self.resample_filter)
        if self.config.use_noise and noise_mode != "none":
            fresh = noise_mode == "random"
            noise = torch.randn_like(x[:, :1]) if fresh else self.noise_const.to(x.dtype)
            x = x + noise * self.noise_strength.to(x.dtype)
        return ops.activate(x, self.bias, self.config.activation, gain, self.config.conv_clamp)


class ToRGB(nn.Module):
    """Modulated 1×1 convolution, not demodulated: x [N, I, H, W], w [N, w_dim] → [N, img_channels, H, W]."""

    def __init__(self, config: StyleGAN2Config, inputs: int):
        super().__init__()
        self.config, self.style_gain = config, 1 / math.sqrt(inputs)
        self.convolve = ops.modulated_conv2d
        self.affine = FullyConnected(config.w_dim, inputs, bias=1)
        self.weight = nn.Parameter(torch.randn(config.img_channels, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(config.img_channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        y = self.convolve(x, self.weight, self.affine(w) * self.style_gain, demodulate=False)
        return ops.activate(y, self.bias, clamp=self.config.conv_clamp)


class Skip(nn.Module):
    """A resnet's other branch: 1×1 convolution, doubled in size. x [N, I, H, W] → [N, O, 2H, 2W]."""

    def __init__(self, config: StyleGAN2Config, inputs: int, outputs: int):
        super().__init__()
        self.weight_gain = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 1, 1))
        self.register_buffer("resample_filter", ops.setup_filter(config.resample_filter))

    def forward(self, x: Tensor, gain: float) -> Tensor:
        y = nn.functional.conv2d(x, (self.weight * self.weight_gain).to(x.dtype))
        return ops.upsample2d(y, self.resample_filter) * gain


class Block(nn.Module):
    """All of one resolution: conv0 (doubles the size; at 4×4 the constant), conv1, to-RGB if there is one."""

    def __init__(self, config: StyleGAN2Config, resolution: int):
        super().__init__()
        self.config, self.resolution, self.is_first = config, resolution, resolution == 4
        self.dtype = torch.float32
        width, below = config.width(resolution), config.width(max(resolution // 2, 4))
        self.has_to_rgb = config.architecture == "skip" or resolution == config.resolution
        self.register_buffer("resample_filter", ops.setup_filter(config.resample_filter))
        if self.is_first:
            self.const = nn.Parameter(torch.randn(width, *config.const_size))
        else:
            self.conv0 = SynthesisLayer(config, below, width, resolution, up=2)
            if config.architecture == "resnet":
                self.skip = Skip(config, below, width)
        self.conv1 = SynthesisLayer(config, width, width, resolution)
        if self.has_to_rgb:
            self.torgb = ToRGB(config, width)

    @property
    def num_convs(self) -> int:
        return 1 if self.is_first else 2

    def forward(self, x: Tensor | None, image: Tensor | None, ws: Tensor, noise_mode: str):
        """x [N, I, H, W], image [N, C, H, W], ws [N, num_convs + 1, D] → x and image at this resolution."""
        if self.is_first:
            x = self.const.to(self.dtype).expand(len(ws), -1, -1, -1)
            x = self.conv1(x, ws[:, 0], noise_mode)
        else:
            x = x.to(self.dtype)
            if self.config.architecture == "resnet":
                other = self.skip(x, gain=math.sqrt(0.5))
                x = self.conv0(x, ws[:, 0], noise_mode)
                x = other + self.conv1(x, ws[:, 1], noise_mode, gain=math.sqrt(0.5))
            else:
                x = self.conv0(x, ws[:, 0], noise_mode)
                x = self.conv1(x, ws[:, 1], noise_mode)
        if image is not None:
            image = ops.upsample2d(image, self.resample_filter)
        if self.has_to_rgb:
            y = self.torgb(x, ws[:, -1]).to(torch.float32)
            image = y if image is None else image + y
        return x, image


class Synthesis(nn.Module):
    """ws [N, num_ws, w_dim] → image [N, img_channels, H, W], float32, nominally in [-1, 1]."""

    def __init__(self, config: StyleGAN2Config):
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

        `resolution` asks for a smaller picture. A skip network has a genuine one at every resolution and
        stops there; others are drawn in full and averaged down.
        """
        check_inputs(ws, self.num_ws, self.config.w_dim, noise_mode)
        x = image = None
        row = 0
        for block in self.blocks:
            # A to-RGB uses the row of the next resolution's first convolution, so slices overlap by one.
            x, image = block(x, image, ws[:, row : row + block.num_convs + 1].to(torch.float32), noise_mode)
            row += block.num_convs
            if block.resolution == resolution and self.config.architecture == "skip":
                break
        # Resolutions are nominal; `shrink` counts pixels of width.
        return ops.shrink(image, resolution and resolution * self.config.const_size[1] // 4)


class StyleGAN2(Generator):
    """The whole generator. Built with random weights; `load_tensors` gives it trained ones."""

    architecture = "stylegan2"
    config_type = StyleGAN2Config

    def __init__(self, config: StyleGAN2Config):
        super().__init__()
        self.config = config
        self.synthesis = Synthesis(config)
        self.mapping = Mapping(config, self.synthesis.num_ws)
        self.layers = config.layers()

    def style_inputs(self) -> tuple[StyleInput, ...]:
        """A row for each convolution; a to-RGB shares the next convolution's, the last has its own."""
        inputs, row = [], 0
        for block in self.synthesis.blocks:
            for layer in [block.conv1] if block.is_first else [block.conv0, block.conv1]:
                inputs.append(StyleInput(row, layer.affine))
                row += 1
            if block.has_to_rgb:
                inputs.append(StyleInput(row, block.torgb.affine, to_rgb=True))
        return tuple(inputs)

    def structure(self) -> dict[str, str]:
        """What must be equal for two networks to exchange layers, in words: label → value."""
        way = "concatenated as" if self.config.label_concat else "embedded in"
        return self.config.structure(f"{self.architecture}, {self.config.architecture}", way)

    def role(self, tensor_name: str) -> Role:
        part, *rest = tensor_name.split(".")
        if part == "mapping":
            return Role("mapping")
        block, unit = rest[0], rest[1]
        level = {"const": 0, "conv0": 0, "skip": 0}.get(unit, 1)
        position = 2 * self.config.resolutions.index(int(block[1:])) + level
        if rest[-1] == "resample_filter":
            return Role("filter", position)
        if rest[-1] == "noise_const":
            return Role("noise_map", position)
        return Role("to_rgb" if unit == "torgb" else "layer", position)
