"""StyleGAN3's fast synthesis: the same pictures as `stylegan3.Synthesis`.

Besides the shared weights, the gain is in the filters: zeros between samples are never multiplied. Where
`cpu` has a library, the finer signal is never written to memory. Elsewhere each of its interleaved
`phases` is a short convolution of the coarse one, channel by channel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.func import functional_call

from render.networks import kernels
from render.networks.cpu import CpuLibrary
from render.networks.cpu_passes import EVEN, AliasFree, Finish, Weights
from render.networks.filters3 import GAIN, SLOPE, downsample, filtered_lrelu
from render.networks.generator import Generator
from render.networks.modulated import Modulated, convolve, depthwise, flat, scale_channels, spatial
from render.networks.precision import Precision
from render.networks.stylegan3 import SMALLEST_MAGNITUDE, SynthesisLayer
from render.networks.synthesis import Batch, FastSynthesis, State, Step


@dataclass(frozen=True)
class Layer(Modulated):
    """A prepared layer.

    bias        [O]
    level       what its input is multiplied by
    up_filter, down_filter  as the network has them
    activation  what the library does with these filters, if it has them
    """

    bias: Tensor = None
    level: Tensor = None
    up_filter: Tensor | None = None
    down_filter: Tensor | None = None
    activation: AliasFree | None = None


class FastStyleGAN3(FastSynthesis):
    """See `FastSynthesis`. Smaller pictures are drawn in full and averaged down, as in the definition."""

    architecture = "stylegan3"

    def __init__(self, generator: Generator, precision: Precision, compiled: bool | None = None):
        super().__init__(generator, precision, compiled)
        synthesis = generator.synthesis
        self.library = CpuLibrary.find(compiled, generator.mapping.w_avg.device, precision.dtype)
        self.add_module("input", synthesis.input, lambda module, own: own)
        self.steps = (Step(("input",), (0,), self.weakly(FastStyleGAN3._input)),)
        bands = self.config.bands
        for index, name in enumerate(synthesis.layer_names):
            module, before, after = getattr(synthesis, name), bands[max(index - 1, 0)], bands[index]
            self.add_module(name, module, self.weakly(FastStyleGAN3._layer, before.size, after.size))
            draw = FastStyleGAN3._rgb if module.is_to_rgb else FastStyleGAN3._convolve
            self.steps += (Step((name,), (index + 1,), self.weakly(draw, name, module, index + 1)),)

    def _layer(self, before: int, after: int, module: SynthesisLayer, own: dict[str, Tensor]) -> Layer:
        """A layer from and to pictures of so many pixels a side."""
        products, precision = None, self.precision
        if module.is_to_rgb:  # no demodulation divides out what float16 is scaled by
            precision = Precision(precision.name, torch.float32)
        if self.library is not None and own["weight"].shape[-1] == EVEN.taps:
            products = self.library.products(self.precision.dtype, before, doubles=False)
        base = Modulated.of(
            own["weight"],
            own["affine.weight"],
            own["affine.bias"],
            module.affine.weight_gain,
            precision,
            pack=products and partial(self.library.weights, scheme=EVEN, products=products),
        )
        level = own["magnitude_ema"].clamp(min=SMALLEST_MAGNITUDE).rsqrt()
        filters, activation = {name: own.get(name) for name in ("up_filter", "down_filter")}, None
        if self.library is not None:
            clamp = self.precision.clamp(module.clamp)
            size, ahead = (after, after), module.padding[0]
            resampling = *filters.values(), module.up, module.down
            activation = AliasFree.of(*resampling, ahead, size, SLOPE, GAIN, clamp)
        rest = {"bias": own["bias"].to(torch.float32), "level": level, "activation": activation}
        return Layer(**vars(base), **filters, **rest)

    def _input(self, state: State, batch: Batch, more: bool) -> State:
        """Position 0: the waves, in float32 until they are mixed."""
        module, transform = self.generator.synthesis.input, batch.transform
        if transform is not None:
            transform = transform.expand(len(batch), 3, 3)

        def draw(own: dict[str, Tensor], w: Tensor, transform: Tensor | None) -> Tensor:
            return functional_call(module, own, (w, transform))

        x = batch.each("input", draw, batch.ws[:, 0], transform).to(self.precision.dtype)
        return State(1, x.contiguous(memory_format=torch.channels_last))

    def _convolve(
        self, name: str, module: SynthesisLayer, row: int, state: State, batch: Batch, more: bool
    ) -> State:
        """One layer: x [N, I, H, W] → [N, O, H', W']."""

        def draw(made: Layer, x: Tensor, w: Tensor) -> Tensor:
            style = made.style(w)
            own, scale = style * made.level, made.demodulation(style)
            # Zeros around the input give more samples: once for the convolution, once for the margin.
            pad = 2 * module.reach
            if isinstance(made.weight, Weights):
                y = self.library.convolve(x, made.weight, own, Finish(), pad)
            else:
                y = convolve(self._scaled(x, own), made.weight, pad)
            if made.activation is not None:
                return self.library.alias_free(y, scale, made.bias, made.activation)
            y = spatial(kernels.demodulate(flat(y), scale, made.bias, compiled=self.compiled), y)
            return self._activate(y, made, module)

        return State(state.position + 1, batch.each(name, draw, state.x, batch.ws[:, row]))

    def _scaled(self, x: Tensor, style: Tensor) -> Tensor:
        """x [N, C, H, W] times style [N, C]."""
        return self.library.scale(x, style) if self.library else scale_channels(x, style, self.compiled)

    def _activate(self, y: Tensor, made: Layer, module: SynthesisLayer) -> Tensor:
        """The filtered leaky ReLU of y [N, O, H, W]."""
        clamp = self.precision.clamp(module.clamp)
        kernel, up, padding = made.up_filter, module.up, module.padding
        if kernel is None or kernel.ndim != 1 or up not in kernels.INTERLEAVE:
            y = filtered_lrelu(y, kernel, made.down_filter, up, module.down, padding, clamp)
            return y.contiguous(memory_format=torch.channels_last)
        n, c, height, width = y.shape
        columns = [part.permute(0, 2, 3, 1) for part in phases(y, kernel[None, :], up, padding)]
        wide = torch.stack(columns, dim=3).flatten(2, 3)  # [N, H, up·W, O]
        rows = phases(wide.permute(0, 3, 1, 2), kernel[:, None], up, padding)
        rows = [part.permute(0, 2, 3, 1).flatten(2) for part in rows]  # [N, H, up·W·O] each
        bound = math.inf if clamp is None else clamp
        constants = {"slope": SLOPE, "gain": GAIN, "clamp": bound, "compiled": self.compiled}
        fine = kernels.INTERLEAVE[up](*rows, **constants)
        fine = fine.reshape(n, fine.shape[1], -1, c).permute(0, 3, 1, 2)  # [N, O, up·H, up·W]
        height, width = (size * up + sum(padding) - len(kernel) + 1 for size in (height, width))
        return downsample(fine[:, :, :height, :width], made.down_filter, module.down)

    def _rgb(
        self, name: str, module: SynthesisLayer, row: int, state: State, batch: Batch, more: bool
    ) -> State:
        """To-RGB: x [N, I, H, W] → image, float32 [N, C, H, W]."""
        clamp = self.precision.clamp(module.clamp)

        def draw(made: Layer, x: Tensor, w: Tensor) -> Tensor:
            style = made.style(w) * (module.style_gain * made.level)
            weight = made.weight.flatten(1).t().float() * style[:, :, None]  # [N, I, C]
            y = torch.bmm(flat(x), weight.to(x.dtype)).transpose(1, 2).to(torch.float32)
            y = (y + made.bias[:, None]).reshape(len(x), -1, *x.shape[2:])
            return y if clamp is None else y.clamp(-clamp, clamp)

        return State(state.position + 1, state.x, batch.each(name, draw, state.x, batch.ws[:, row]))

    def picture(self, state: State, batch: Batch, resolution: int | None) -> Tensor:
        return self.shrink(state.image * self.config.output_scale, resolution)


def phases(x: Tensor, kernel: Tensor, up: int, padding: tuple[int, int]) -> list[Tensor]:
    """What `filters3.upsample` gives along one axis: sample j in phase j mod `up`, all equally long.

    x [N, C, H, W]; `kernel` is `[1, k]` for the width or `[k, 1]` for the height.

    With zeros between them, the samples x[t] lie at t·up, and result j is Σ x[t] · k[j + shift - t·up]. The
    taps that meet samples at j = i·up + phase are every `up`-th, and they meet the x around x[i].
    """
    axis = 2 if kernel.shape[1] == 1 else 3
    taps, size, (before, after) = kernel.numel(), x.shape[axis], padding
    count = -(-(size * up + before + after - taps + 1) // up)
    results = []
    for phase in range(up):
        first, start = divmod(phase + taps - 1 - before, up)
        own = kernel.flatten()[start::up] * up
        left = len(own) - 1 - first
        right = count + len(own) - 1 - size - left
        around = max(left, right, 0)  # the library pads both ends alike; what is too much is cut off
        shape, ends = ((-1, 1), (0, 0, around, around)) if axis == 2 else ((1, -1), (around, around, 0, 0))
        y = depthwise(x, own.reshape(shape), ends)
        results.append(y.narrow(axis, around - left, count))
    return results
