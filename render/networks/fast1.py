"""StyleGAN1's fast synthesis: the same pictures as `stylegan1.Synthesis`.

Its weights are shared by nature. What is gained: gains are multiplied into the weights once, what follows a
convolution takes two passes and one for the averages of instance norm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from render.networks import kernels, ops
from render.networks.generator import Generator
from render.networks.modulated import convolve, convolve_double, depthwise, flat, spatial, steady, wide
from render.networks.precision import Precision
from render.networks.stylegan1 import INSTANCE_EPSILON, Finish, fused_kernel
from render.networks.synthesis import Batch, FastSynthesis, State, Step

SLOPES = {"lrelu": 0.2, "relu": 0.0}


@dataclass(frozen=True)
class Layer:
    """A prepared layer.

    weight         [O, I, 3, 3], or [I, O, 4, 4] where upscaling is fused; the constant [C, h, w] instead
    affine, shift  w → scale and shift of every channel: [w_dim, 2·O], [2·O]
    noise, strength, bias  [1, H·W], [O], [O]
    filter         [k, k], after upscaling
    """

    weight: Tensor
    affine: Tensor
    shift: Tensor
    noise: Tensor
    strength: Tensor
    bias: Tensor
    filter: Tensor | None


class FastStyleGAN1(FastSynthesis):
    """See `FastSynthesis`. Smaller pictures are drawn in full and averaged down, as in the definition."""

    architecture = "stylegan1"

    def __init__(self, generator: Generator, precision: Precision, compiled: bool | None = None):
        super().__init__(generator, precision, compiled)
        blocks = generator.synthesis.blocks
        for resolution, block in zip(self.config.resolutions, blocks, strict=True):
            self._add(f"b{resolution}.{'input' if resolution == 4 else 'conv0'}", block)
            self._add(f"b{resolution}.conv1", block)
        self.rgb = f"b{self.config.resolution}.torgb"
        self.add_module(self.rgb, blocks[-1].torgb, self._rgb)

    def _add(self, name: str, block: nn.Module) -> None:
        """One layer: its unit and its step."""
        module, row = getattr(block, name.split(".")[1]), len(self.steps)
        self.add_module(name, module, self._layer)
        self.steps += (Step((name,), (row,), partial(self._draw, name, module, row)),)

    def _layer(self, module: Finish, own: dict[str, Tensor]) -> Layer:
        short = partial(torch.Tensor.contiguous, memory_format=torch.channels_last)
        if "const" in own:
            weight = short(own["const"][None])[0]
        elif not module.up:
            weight = short((own["weight"] * module.weight_gain).to(self.precision.dtype))
        else:
            # Nearest neighbours and a convolution are a transposed one too, with less than half the products.
            weight = own["weight"] if module.fused else own["weight"].flip([2, 3])
            kernel = fused_kernel(weight * module.weight_gain).transpose(0, 1)
            weight = short(kernel.to(self.precision.dtype))
        bias, gain = own["bias"].to(torch.float32), module.affine.weight_gain
        gain *= ops.ACTIVATIONS[module.affine.activation][1]
        silent = torch.zeros([1, 1], device=bias.device)
        return Layer(
            weight,
            wide(own["affine.weight"].t() * gain),
            wide(own["affine.bias"] * module.affine.bias_gain),
            own["noise_const"].reshape(1, -1) if "noise_const" in own else silent,
            own.get("noise_strength", torch.zeros_like(bias)),
            bias,
            own.get("blur_filter"),
        )

    def _rgb(self, module: nn.Module, own: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        weight = (own["weight"] * module.weight_gain)[:, :, 0, 0].t()
        return weight.to(self.precision.dtype), own["bias"].to(torch.float32)

    def _draw(self, name: str, module: Finish, row: int, state: State, batch: Batch, more: bool) -> State:
        """One layer; at position 0 from the constant."""

        def draw(made: Layer, w: Tensor, x: Tensor | None) -> Tensor:
            if x is None:
                y = made.weight.to(self.precision.dtype).expand(len(w), -1, -1, -1)
                y = y.contiguous(memory_format=torch.channels_last)
            elif module.up:
                y = convolve_double(x, made.weight, padding=1)
                y = blur(y, made.filter)
            else:
                y = convolve(x, made.weight)
            return self._finish(y, made, w, batch.noise_mode)

        return State(state.position + 1, batch.each(name, draw, batch.ws[:, row], state.x))

    def _finish(self, y: Tensor, made: Layer, w: Tensor, noise_mode: str) -> Tensor:
        """Noise, bias, activation, instance norm and style of y [N, C, H, W]."""
        n, _, height, width = y.shape
        noise = made.noise
        if noise_mode == "random":
            noise = torch.randn([n, height * width], device=y.device)
        elif noise_mode == "none" or noise.shape[1] == 1:
            noise = torch.zeros([1, height * width], device=y.device)
        slope = SLOPES[self.config.activation]
        x = kernels.leaky(flat(y), noise, made.strength, made.bias, slope=slope, compiled=self.compiled)
        # Styles are linear: no activation follows the affine layer.
        is_short = self.precision.dtype != torch.float32
        scale, shift = steady(w, made.affine, made.shift, is_short).chunk(2, dim=1)  # [N, C] each
        variance, mean = torch.var_mean(x.float(), dim=1, correction=0)
        factor = (variance + INSTANCE_EPSILON).rsqrt() * (scale + 1)
        return spatial(kernels.stylize(x, mean, factor, shift, compiled=self.compiled), y)

    def picture(self, state: State, batch: Batch, resolution: int | None) -> Tensor:
        """To-RGB, which has no style."""

        def draw(made: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
            weight, bias = made
            y = (flat(x) @ weight).transpose(1, 2).to(torch.float32) + bias[:, None]
            return y.reshape(len(x), -1, *x.shape[2:])

        return self.shrink(batch.each(self.rgb, draw, state.x), resolution)


def blur(x: Tensor, kernel: Tensor) -> Tensor:
    """`stylegan1.blur`, channel by channel."""
    size_y, size_x = kernel.shape
    if size_y == size_x == 1:
        return x
    return depthwise(x, kernel, ((size_x - 1) // 2, size_x // 2, (size_y - 1) // 2, size_y // 2))
