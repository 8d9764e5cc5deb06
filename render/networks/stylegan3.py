"""StyleGAN3's generator, T and R (Karras et al. 2021, "Alias-Free Generative Adversarial Networks").

Signals between layers are continuous, band-limited functions, kept as samples: every layer has a cutoff
frequency, a transition band and a sampling rate, which follow from the config (section 3.2 of the paper).
Tensors carry the names of NVIDIA's PyTorch networks (`synthesis.L3_36_512.affine.bias` …).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from render.errors import CheckpointError
from render.networks import ops
from render.networks.filters3 import centered_padding, filtered_lrelu, lowpass_filter
from render.networks.generator import (
    Generator,
    Layer,
    Role,
    StyleInput,
    check_inputs,
    is_power_of_two,
)
from render.networks.stylegan2 import FullyConnected, Mapping

RANGES = {  # what a config may ask for, so that a damaged file asks for nothing absurd
    "resolution": (8, 8192),
    "num_layers": (2, 64),
    "conv_kernel": (1, 9),
    "filter_size": (1, 32),
    "lrelu_upsampling": (1, 16),
    "margin_size": (0, 512),
    "first_cutoff": (0.01, 4096),
    "first_stopband": (0.01, 8192),
    "last_stopband_rel": (0.5, 16),
}
MAX_TAPS = 1024  # of a filter; radial ones have that many squared
SMALLEST_MAGNITUDE = 1e-6  # extrapolated blends may bring an average below zero; pictures stay finite


@dataclass(frozen=True)
class Band:
    """What the signal after a layer is. Frequencies in cycles, rates in samples, per picture width.

    cutoff      of the low-pass filter that made it
    half_width  of that filter's transition band
    rate        samples per picture width
    size        samples per side, with the margin around the picture
    channels    how many
    """

    cutoff: float
    half_width: float
    rate: int
    size: int
    channels: int


@dataclass(frozen=True)
class StyleGAN3Config:
    """Everything that shapes the network. T is the default; R has conv_kernel 1 and radial filters.

    resolution             pixels of the picture's side
    z_dim, w_dim, c_dim    widths of the two latent spaces and of the label (0: unconditional)
    img_channels           1, 3 or 4
    channel_base, channel_max   channels at cutoff f: min(channel_base / 2f, channel_max), rounded
    channels               those widths given one by one (L0, L1 … without to-RGB) instead
    num_layers             layers between the input and to-RGB
    num_critical           how many of them, at the end, sample critically: cutoff = half the rate
    first_cutoff           cycles per picture width that the input carries
    first_stopband         frequency from which the first layer's filters stop
    last_stopband_rel      the same of the last layer, as a multiple of its cutoff
    margin_size            samples kept around the picture, so that its border is no border
    output_scale           to-RGB is multiplied by this
    num_fp16_res           how many of the last resolutions were trained in float16 (read, not obeyed)
    conv_kernel            side of the convolutions: 3 (T) or 1 (R)
    filter_size            taps of a filter per unit of its resampling factor
    lrelu_upsampling       how much finer the leaky ReLU samples than its layer
    use_radial_filters     rotationally symmetric downsampling, except where sampling is critical
    conv_clamp             activations are clamped to ± this
    magnitude_ema_beta     of the running averages in training (read, not used)
    mapping_*              depth and learning-rate multiplier
    """

    resolution: int
    z_dim: int = 512
    c_dim: int = 0
    w_dim: int = 512
    img_channels: int = 3
    channel_base: int = 32768
    channel_max: int = 512
    channels: tuple[int, ...] | None = None
    num_layers: int = 14
    num_critical: int = 2
    first_cutoff: float = 2.0
    first_stopband: float = 2**2.1
    last_stopband_rel: float = 2**0.3
    margin_size: int = 10
    output_scale: float = 0.25
    num_fp16_res: int = 4
    conv_kernel: int = 3
    filter_size: int = 6
    lrelu_upsampling: int = 2
    use_radial_filters: bool = False
    conv_clamp: float | None = 256.0
    magnitude_ema_beta: float = 0.999
    mapping_layers: int = 2
    mapping_lr_multiplier: float = 0.01

    # What StyleGAN2's mapping network leaves open, and StyleGAN3's does not.
    mapping_features: ClassVar[int | None] = None
    mapping_activation: ClassVar[str] = "lrelu"
    label_concat: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name, (least, most) in RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise CheckpointError(f"{name} lies from {least} to {most}, not at {getattr(self, name)}")
        if not is_power_of_two(self.resolution):
            raise CheckpointError(f"resolution {self.resolution} is not a power of two")
        if not 1 <= self.num_critical < self.num_layers:
            raise CheckpointError(
                f"num_critical lies from 1 to below the {self.num_layers} layers, not at {self.num_critical}"
            )
        if self.conv_kernel % 2 != 1:
            raise CheckpointError(f"conv_kernel is an odd number such as 1 or 3, not {self.conv_kernel}")
        if self.channels is not None and len(self.channels) != self.num_layers:
            raise CheckpointError(f"{len(self.channels)} channel widths for {self.num_layers} layers")
        rates = [band.rate for band in self.bands]
        jump = max(max(pair) / min(pair) for pair in pairwise(rates))
        if self.filter_size * self.lrelu_upsampling * jump > MAX_TAPS:
            raise CheckpointError(f"filters of more than {MAX_TAPS} taps are none that a network has")
        if any(band.half_width <= 0 or band.size <= 0 for band in self.bands):
            raise CheckpointError(
                "the cutoffs and stopbands of this config leave a filter no transition band"
            )

    @property
    def label_width(self) -> int:
        """How many numbers the mapping network gets for a label, beside z."""
        return self.w_dim if self.c_dim else 0

    @property
    def bands(self) -> tuple[Band, ...]:
        """The signal after each layer, to-RGB's last; the input's is that of L0.

        Cutoff and stopband rise geometrically until the critical layers; the rate is the lowest power of two
        that the stopband allows.
        """
        last_cutoff = self.resolution / 2
        last_stopband = last_cutoff * self.last_stopband_rel
        bands = []
        for index in range(self.num_layers + 1):
            part = min(index / (self.num_layers - self.num_critical), 1)
            cutoff = self.first_cutoff * (last_cutoff / self.first_cutoff) ** part
            stopband = self.first_stopband * (last_stopband / self.first_stopband) ** part
            # At 256 px a stopband is exactly a power of two; rounding must not double the rate.
            rate = 2 ** math.ceil(math.log2(min(2 * stopband, self.resolution)) - 1e-9)
            at_end = index >= self.num_layers - 1
            bands.append(
                Band(
                    cutoff=cutoff,
                    half_width=max(stopband, rate / 2) - cutoff,
                    rate=rate,
                    size=self.resolution if at_end else rate + 2 * self.margin_size,
                    channels=self._width(index, cutoff),
                )
            )
        return tuple(bands)

    def _width(self, index: int, cutoff: float) -> int:
        if index == self.num_layers:
            return self.img_channels
        if self.channels is not None:
            return self.channels[index]
        return round(min(self.channel_base / 2 / cutoff, self.channel_max))


class SynthesisInput(nn.Module):
    """Fourier features: fixed random waves, placed by w, mixed. w [N, w_dim] → [N, C, H, W]."""

    def __init__(self, config: StyleGAN3Config):
        super().__init__()
        band = config.bands[0]
        self.size, self.rate, self.bandwidth, width = band.size, band.rate, band.cutoff, band.channels
        radius, angle = band.cutoff * torch.rand(width).sqrt(), 2 * math.pi * torch.rand(width)
        self.weight = nn.Parameter(torch.randn(width, width))
        self.affine = FullyConnected(config.w_dim, 4)
        self.affine.weight.data.zero_()
        self.affine.bias.data.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))
        self.register_buffer("transform", torch.eye(3))
        self.register_buffer("freqs", torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1))
        self.register_buffer("phases", torch.rand(width) - 0.5)

    def forward(self, w: Tensor, transform: Tensor | None = None) -> Tensor:
        """`transform [N, 3, 3]` or `[3, 3]` moves the picture after w's placement and the network's own."""
        placement = self.placement(w) @ self.transform  # [N, 3, 3], places in the picture → in the features
        if transform is not None:
            placement = placement @ transform.to(placement)
        # A wave at a moved place is a wave of another frequency and phase.
        freqs = self.freqs @ placement[:, :2, :2]  # [N, C, 2]
        phases = self.phases + (self.freqs @ placement[:, :2, 2:]).squeeze(2)  # [N, C]
        # Zooming out may raise a frequency above what these samples can carry; it fades towards that limit.
        excess = (freqs.norm(dim=2) - self.bandwidth) / (self.rate / 2 - self.bandwidth)
        amplitudes = (1 - excess).clamp(0, 1)  # [N, C]
        turns = self._places(w.device) @ freqs.transpose(1, 2) + phases[:, None]  # [N, H·W, C]
        waves = torch.sin(2 * math.pi * turns) * amplitudes[:, None]
        y = waves @ (self.weight / math.sqrt(len(self.weight))).t()
        return y.transpose(1, 2).reshape(len(w), -1, self.size, self.size)  # [N, C, H, W]

    def placement(self, w: Tensor) -> Tensor:
        """Turn and shift that w asks for, [N, 3, 3]: from places in the picture to places in the features."""
        t = self.affine(w)  # [N, 4]: cosine, sine (of any length), shift in x and y
        t = t / t[:, :2].norm(dim=1, keepdim=True)
        cos, sin, x, y = t.unbind(dim=1)
        zero, one = torch.zeros_like(x), torch.ones_like(x)
        turn = _matrices([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])
        shift = _matrices([[one, zero, -x], [zero, one, -y], [zero, zero, one]])
        return turn @ shift

    def _places(self, device: torch.device) -> Tensor:
        """x and y of every sample, [H·W, 2], in picture widths from the picture's middle."""
        line = (torch.arange(self.size, device=device) + 0.5 - self.size / 2) / self.rate
        y, x = torch.meshgrid(line, line, indexing="ij")
        return torch.stack([x, y], dim=-1).reshape(-1, 2)


def _matrices(rows: list[list[Tensor]]) -> Tensor:
    """Entries [N] each, by rows → [N, 3, 3]."""
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


def picture_transform(
    translate: tuple[float, float] = (0.0, 0.0), rotate: float = 0.0, zoom: float = 1.0
) -> Tensor:
    """The `transform [3, 3]` for a picture that is zoomed, then turned, then shifted.

    translate  to the right and down, in picture widths
    rotate     degrees, counter-clockwise
    zoom       above 1 enlarges
    """
    if not zoom > 0:
        raise ValueError(f"zoom is a number above 0, not {zoom}")
    angle = math.radians(rotate)
    cos, sin = zoom * math.cos(angle), zoom * math.sin(angle)
    moved = torch.tensor(
        [[cos, sin, translate[0]], [-sin, cos, translate[1]], [0, 0, 1]], dtype=torch.float64
    )
    # The network asks the other way round: what lies at this place of the picture?
    return torch.linalg.inv(moved).to(torch.float32)


class SynthesisLayer(nn.Module):
    """Modulated convolution, bias, filtered leaky ReLU; the last layer is to-RGB and stays linear.

    x [N, I, H, W], w [N, w_dim] → [N, O, H', W'], from the band of the layer before to its own.
    """

    def __init__(self, config: StyleGAN3Config, index: int):
        super().__init__()
        before, after = config.bands[max(index - 1, 0)], config.bands[index]
        self.is_to_rgb = index == config.num_layers
        kernel = 1 if self.is_to_rgb else config.conv_kernel
        fine = max(before.rate, after.rate) * (1 if self.is_to_rgb else config.lrelu_upsampling)
        self.up, self.down, self.clamp = fine // before.rate, fine // after.rate, config.conv_clamp
        up_taps, down_taps = (config.filter_size * n if n > 1 else 1 for n in (self.up, self.down))
        # A convolution sees `kernel - 1` samples of zeros around its input, and so gives more samples.
        self.reach, self.style_gain = kernel // 2, 1 / math.sqrt(before.channels)
        self.padding = centered_padding(
            before.size + kernel - 1, after.size, self.up, self.down, up_taps, down_taps
        )
        radial = config.use_radial_filters and index < config.num_layers - config.num_critical
        self.convolve = ops.modulated_conv2d
        self.affine = FullyConnected(config.w_dim, before.channels, bias=1)
        self.weight = nn.Parameter(torch.randn(after.channels, before.channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(after.channels))
        self.register_buffer("magnitude_ema", torch.ones([]))
        self.register_buffer("up_filter", lowpass_filter(up_taps, before.cutoff, before.half_width, fine))
        self.register_buffer(
            "down_filter", lowpass_filter(down_taps, after.cutoff, after.half_width, fine, radial)
        )

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        # The average magnitude of the input in training; dividing by it keeps all layers at the same level.
        gain = self.magnitude_ema.clamp(min=SMALLEST_MAGNITUDE).rsqrt()
        styles = self.affine(w)
        if self.is_to_rgb:
            y = self.convolve(x, self.weight, styles * (self.style_gain * gain), demodulate=False)
            y = y + self.bias[:, None, None].to(y.dtype)
            return y if self.clamp is None else y.clamp(-self.clamp, self.clamp)
        x = F.pad(x * gain.to(x.dtype), [self.reach] * 4)
        y = self.convolve(x, self.weight, styles) + self.bias[:, None, None].to(x.dtype)
        return filtered_lrelu(
            y, self.up_filter, self.down_filter, self.up, self.down, self.padding, self.clamp
        )


class Synthesis(nn.Module):
    """ws [N, num_ws, w_dim] → image [N, img_channels, H, W], float32, nominally in [-1, 1]."""

    def __init__(self, config: StyleGAN3Config):
        super().__init__()
        self.config = config
        self.num_ws = config.num_layers + 2
        self.input = SynthesisInput(config)
        self.layer_names = [f"L{i}_{band.size}_{band.channels}" for i, band in enumerate(config.bands)]
        for index, name in enumerate(self.layer_names):
            setattr(self, name, SynthesisLayer(config, index))

    def forward(
        self,
        ws: Tensor,
        noise_mode: str = "const",
        resolution: int | None = None,
        transform: Tensor | None = None,
    ) -> Tensor:
        """Row 0 of `ws` places the input, row i + 1 styles L{i}.

        noise_mode  accepted as in StyleGAN2, and without effect: these networks have no noise
        resolution  asks for a smaller picture: it is drawn in full and averaged down
        transform   [N, 3, 3] or [3, 3], as `picture_transform` makes it: shifts, turns, zooms the picture
        """
        check_inputs(ws, self.num_ws, self.config.w_dim, noise_mode)
        if transform is not None and tuple(transform.shape) not in ((3, 3), (len(ws), 3, 3)):
            raise ValueError(f"transform must be [3, 3] or [{len(ws)}, 3, 3], not {list(transform.shape)}")
        first, *rows = ws.to(torch.float32).unbind(dim=1)
        x = self.input(first, transform)
        for name, row in zip(self.layer_names, rows, strict=True):
            x = getattr(self, name)(x, row)
        return ops.shrink(x.to(torch.float32) * self.config.output_scale, resolution)


class StyleGAN3(Generator):
    """The whole generator. Built with random weights; `load_tensors` gives it trained ones.

    Layers are `input`, `L0`, `L1` … in order, the last one being to-RGB; a layer's resolution is its sampling
    rate. A blend at resolution R begins with the first layer that has R samples per picture width.
    """

    architecture = "stylegan3"
    config_type = StyleGAN3Config

    def __init__(self, config: StyleGAN3Config):
        super().__init__()
        self.config = config
        self.synthesis = Synthesis(config)
        self.mapping = Mapping(config, self.synthesis.num_ws)
        rates = [config.bands[0].rate, *(band.rate for band in config.bands)]
        self.layers = tuple(
            Layer(position, f"L{position - 1}" if position else "input", rate, position - rates.index(rate))
            for position, rate in enumerate(rates)
        )

    def style_inputs(self) -> tuple[StyleInput, ...]:
        """Row 0 places the input; row i + 1 styles L{i}, the last one to-RGB."""
        layers = [getattr(self.synthesis, name) for name in self.synthesis.layer_names]
        return (
            StyleInput(0, self.synthesis.input.affine),
            *(StyleInput(row, layer.affine, layer.is_to_rgb) for row, layer in enumerate(layers, start=1)),
        )

    def structure(self) -> dict[str, str]:
        """What must be equal for two networks to exchange layers, in words: label → value."""
        config = self.config
        shapes = {(3, False): "T", (1, True): "R"}
        variant = shapes.get((config.conv_kernel, config.use_radial_filters), "own variant")
        filters = "radial" if config.use_radial_filters else "separable"
        side = config.conv_kernel
        return {
            "architecture": f"{self.architecture}, {variant}: {side}×{side} convolutions, {filters} filters",
            "resolution": f"{config.resolution}",
            "channels": self._widths(),
            "image channels": f"{config.img_channels}",
            "latents": f"z {config.z_dim}, w {config.w_dim}",
            "mapping": f"{config.mapping_layers} layers of {config.w_dim}, lrelu, "
            f"learning rate × {config.mapping_lr_multiplier:g}",
            "labels": f"{config.c_dim}, embedded in {config.w_dim}" if config.c_dim else "none",
            "layers": f"{config.num_layers} and to-RGB, {config.num_critical} critical, "
            f"margin {config.margin_size}",
            "frequencies": f"cutoff from {config.first_cutoff:.4g}, "
            f"stopband from {config.first_stopband:.4g} to × {config.last_stopband_rel:.4g}, "
            f"filters × {config.filter_size}, activations × {config.lrelu_upsampling}",
            "output scale": f"{config.output_scale:g}",
        }

    def _widths(self) -> str:
        """Channels layer by layer, equal neighbours together: `L0–L9: 512, L10: 323 …`."""
        widths = [band.channels for band in self.config.bands[:-1]]
        runs = [[i for i, _ in run] for _, run in groupby(enumerate(widths), key=lambda pair: pair[1])]
        names = [f"L{run[0]}" if len(run) == 1 else f"L{run[0]}–L{run[-1]}" for run in runs]
        return ", ".join(f"{name}: {widths[run[0]]}" for name, run in zip(names, runs, strict=True))

    def role(self, tensor_name: str) -> Role:
        """Frequencies and phases, though not learned, go with the weights that mix them: the input's."""
        part, *rest = tensor_name.split(".")
        if part == "mapping":
            return Role("mapping")
        if rest[0] == "input":
            return Role("layer", 0)
        position = int(rest[0][1:].split("_")[0]) + 1
        if rest[-1] in ("up_filter", "down_filter"):
            return Role("filter", position)
        return Role("to_rgb" if position == self.config.num_layers + 1 else "layer", position)
