"""StyleGAN1's fast synthesis: the same pictures as `stylegan1.Synthesis`.

Its weights are shared by nature. What is gained: gains are multiplied into the weights once, what follows a
convolution takes two passes and one for the averages of instance norm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from render.networks import cpu_passes, kernels, ops
from render.networks.cpu import CpuLibrary
from render.networks.cpu_passes import DOUBLING_FOUR, EVEN, LowPass, Weights
from render.networks.generator import Generator
from render.networks.modulated import (
    convolve,
    convolve_double,
    depthwise,
    flat,
    separate,
    spatial,
    steady,
    wide,
)
from render.networks.precision import Precision
from render.networks.stylegan1 import INSTANCE_EPSILON, Finish, fused_kernel
from render.networks.synthesis import Batch, FastSynthesis, State, Step

SLOPES = {"lrelu": 0.2, "relu": 0.0}
# Pixels: the layers up to here are in float32, whatever the others are in. Of a random network of 256 px that
# takes 2 % more time, and halves what is rounded off, from 2.8 to 1.4 % of the picture: norms keep the error.
COARSE = 16


@dataclass(frozen=True)
class Layer:
    """A prepared layer.

    weight         [O, I, 3, 3], or [I, O, 4, 4] where the size doubles, or what the library makes of them;
                   the constant [C, h, w] instead
    affine, shift  w → scale and shift of every channel: [w_dim, 2·O], [2·O]
    noise, strength, bias  [1, H·W], [O], [O]
    filter         [k, k], after upscaling; taps [k], the same along one axis
    """

    weight: Tensor | Weights
    affine: Tensor
    shift: Tensor
    noise: Tensor
    strength: Tensor
    bias: Tensor
    filter: Tensor | None
    taps: Tensor | None


class FastStyleGAN1(FastSynthesis):
    """See `FastSynthesis`. Smaller pictures are drawn in full and averaged down, as in the definition."""

    architecture = "stylegan1"

    def __init__(self, generator: Generator, precision: Precision, compiled: bool | None = None):
        super().__init__(generator, precision, compiled)
        self.library = CpuLibrary.find(compiled, generator.mapping.w_avg.device, precision.dtype)
        blocks = generator.synthesis.blocks
        for resolution, block in zip(self.config.resolutions, blocks, strict=True):
            self._add(f"b{resolution}.{'input' if resolution == 4 else 'conv0'}", block, resolution // 2)
            self._add(f"b{resolution}.conv1", block, resolution)
        self.rgb = f"b{self.config.resolution}.torgb"
        self.add_module(self.rgb, blocks[-1].torgb, self.weakly(FastStyleGAN1._rgb))
        if precision.dtype != torch.float32:
            exact = FastStyleGAN1(generator, Precision("exact", torch.float32), compiled)
            self.begin_as(exact, 2 * sum(resolution <= COARSE for resolution in self.config.resolutions))

    def _add(self, name: str, block: nn.Module, size: int) -> None:
        """One layer, whose convolution works on `size` pixels: its unit and its step."""
        module, row = getattr(block, name.split(".")[1]), len(self.steps)
        self.add_module(name, module, self.weakly(FastStyleGAN1._layer, size))
        self.steps += (Step((name,), (row,), self.weakly(FastStyleGAN1._draw, name, module, row)),)

    def _weight(self, size: int, module: Finish, own: dict[str, Tensor]) -> Tensor | Weights:
        """As in `Layer`."""
        if "const" in own:
            return own["const"][None].contiguous(memory_format=torch.channels_last)[0]
        weight = own["weight"]
        if module.up:
            # Nearest neighbours and a convolution are a transposed one too, with less than half the products.
            weight = fused_kernel(weight if module.fused else weight.flip([2, 3]))
        weight = weight * module.weight_gain
        products = self.library and self.library.products(self.precision.dtype, size, module.up)
        if products is not None:
            return self.library.weights(weight, DOUBLING_FOUR if module.up else EVEN, products)
        weight = (weight.transpose(0, 1) if module.up else weight).to(self.precision.dtype)
        return weight.contiguous(memory_format=torch.channels_last)

    def _layer(self, size: int, module: Finish, own: dict[str, Tensor]) -> Layer:
        weight, kernel = self._weight(size, module, own), own.get("blur_filter")
        bias, gain = own["bias"].to(torch.float32), module.affine.weight_gain
        gain *= ops.ACTIVATIONS[module.affine.activation][1]
        silent = torch.zeros([1, 1], device=bias.device)
        return Layer(
            weight,
            wide(own["affine.weight"] * gain).t(),
            wide(own["affine.bias"] * module.affine.bias_gain),
            own["noise_const"].reshape(1, -1) if "noise_const" in own else silent,
            own.get("noise_strength", torch.zeros_like(bias)),
            bias,
            kernel,
            kernel if kernel is None else separate(kernel, 1),
        )

    def _rgb(self, module: nn.Module, own: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        weight = (own["weight"] * module.weight_gain)[:, :, 0, 0].t()
        return weight.to(self.precision.dtype), own["bias"].to(torch.float32)

    def _draw(self, name: str, module: Finish, row: int, state: State, batch: Batch, more: bool) -> State:
        """One layer; at position 0 from the constant."""

        def draw(made: Layer, w: Tensor, x: Tensor | None) -> Tensor:
            n = len(w)
            if x is None:
                x = made.weight.to(self.precision.dtype).expand(n, -1, -1, -1)
                x = x.contiguous(memory_format=torch.channels_last)
            size = [side * (2 if is_up(module) else 1) for side in x.shape[2:]]
            noise = self._noise(made, n, size, batch.noise_mode)
            follow = self._with_library if self.library is not None else self._activate
            return self._stylize(follow(x, made, module, noise), made, w)

        return State(state.position + 1, batch.each(name, draw, batch.ws[:, row], state.x))

    def _noise(self, made: Layer, n: int, size: list[int], noise_mode: str) -> Tensor:
        """[1 or N, H·W]."""
        noise, pixels = made.noise, size[0] * size[1]
        if noise_mode == "random":
            return torch.randn([n, pixels], device=noise.device)
        if noise_mode == "none" or noise.shape[1] == 1:
            return torch.zeros([1, pixels], device=noise.device)
        return noise

    def _activate(self, x: Tensor, made: Layer, module: Finish, noise: Tensor) -> Tensor:
        """x [N, I, H, W], convolved and blurred unless it is the constant; noise, bias and activation."""
        if is_up(module):
            x = blur(convolve_double(x, made.weight, padding=1), made.filter)
        elif hasattr(module, "weight"):
            x = convolve(x, made.weight)
        slope = SLOPES[self.config.activation]
        y = kernels.leaky(flat(x), noise, made.strength, made.bias, slope=slope, compiled=self.compiled)
        return spatial(y, x)

    def _with_library(self, x: Tensor, made: Layer, module: Finish, noise: Tensor) -> Tensor:
        """The same where C++ can do what follows, and the convolution too where that is faster."""
        finish = cpu_passes.Finish(None, noise, made.strength, made.bias, SLOPES[self.config.activation])
        up = is_up(module)
        low_pass = LowPass(torch.ones(1), 0, tuple(side * 2 if up else side for side in x.shape[2:]))
        if up and made.taps is not None:
            low_pass = replace(low_pass, taps=made.taps, before=(len(made.taps) - 1) // 2)
        if isinstance(made.weight, Weights):
            if not up or made.taps is not None:
                return self.library.convolve(x, made.weight, None, finish, low_pass=low_pass if up else None)
            x = self.library.convolve(x, made.weight, None, cpu_passes.Finish())
        elif up:
            x = convolve_double(x, made.weight, padding=1)
        elif hasattr(module, "weight"):
            x = convolve(x, made.weight)
        if up and made.taps is None:
            x = blur(x, made.filter)
        return self.library.low_pass(x, low_pass, finish)

    def _stylize(self, x: Tensor, made: Layer, w: Tensor) -> Tensor:
        """Instance norm and style of x [N, C, H, W]."""
        # Styles are linear: no activation follows the affine layer.
        is_short = self.precision.dtype != torch.float32
        scale, shift = steady(w, made.affine, made.shift, is_short).chunk(2, dim=1)  # [N, C] each

        def factor(variance: Tensor) -> Tensor:
            return (variance + INSTANCE_EPSILON).rsqrt() * (scale + 1)

        if self.library is not None:
            mean, variance = self.library.averages(x)
            return self.library.scale(x, factor(variance), mean, shift)
        y = flat(x)
        variance, mean = torch.var_mean(y.float(), dim=1, correction=0)
        return spatial(kernels.stylize(y, mean, factor(variance), shift, compiled=self.compiled), x)

    def picture(self, state: State, batch: Batch, resolution: int | None) -> Tensor:
        """To-RGB, which has no style."""

        def draw(made: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
            weight, bias = made
            y = (flat(x) @ weight).transpose(1, 2).to(torch.float32) + bias[:, None]
            return y.reshape(len(x), -1, *x.shape[2:])

        return self.shrink(batch.each(self.rgb, draw, state.x), resolution)


def is_up(module: Finish) -> bool:
    """Whether the size doubles; the constant has no say in that."""
    return getattr(module, "up", False)


def blur(x: Tensor, kernel: Tensor) -> Tensor:
    """`stylegan1.blur`, channel by channel."""
    size_y, size_x = kernel.shape
    if size_y == size_x == 1:
        return x
    return depthwise(x, kernel, ((size_x - 1) // 2, size_x // 2, (size_y - 1) // 2, size_y // 2))
