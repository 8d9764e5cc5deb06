"""StyleGAN2's fast synthesis: the same pictures as `stylegan2.Synthesis` in fewer passes over memory.

A layer is a convolution with the shared weight (transposed where the size doubles, then the low-pass filter
channel by channel), and one pass for demodulation, noise, bias, activation, clamp and the next styles. Where
`cpu` has a library, that pass belongs to the convolution or to the filter, and so do the own styles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from render.networks import kernels, ops
from render.networks.batch import joined_samples
from render.networks.colours2 import Rgb, draw_colours, weights_of
from render.networks.cpu import DOUBLING, EVEN, Colours, CpuLibrary, Finish, LowPass, Weights
from render.networks.fading import Pair, Parts, neighbours
from render.networks.generator import Generator
from render.networks.modulated import (
    Modulated,
    convolve,
    convolve_double,
    depthwise,
    double,
    flat,
    scale_channels,
    separate,
    spatial,
    style_of,
)
from render.networks.precision import Precision
from render.networks.reuse import Origin
from render.networks.stylegan2 import Block, SynthesisLayer
from render.networks.synthesis import Batch, FastSynthesis, State, Step

COARSE = 8  # pixels: the layers up to here are in float32, whatever the others are in
# Activations that a positive gain passes through, as leaky ReLUs: their slope below 0.
SLOPES = {"lrelu": 0.2, "relu": 0.0, "linear": 1.0}


@dataclass(frozen=True)
class Layer(Modulated):
    """A prepared layer; bias [O] and noise [1, H·W] (None: without noise), filter [k, k] where it doubles.

    taps [k], twice the filter's along one axis, where it is the same along both
    """

    bias: Tensor = None
    noise: Tensor | None = None
    strength: Tensor | None = None
    filter: Tensor | None = None
    taps: Tensor | None = None


@dataclass(frozen=True)
class Shortcut:
    """A prepared resnet skip: weight [O, I, 1, 1] and filter [k, k]."""

    weight: Tensor
    filter: Tensor


@dataclass(frozen=True)
class Wanted:
    """What is to be made of a layer's results.

    next_style  [N, O]: these times the styles of the layer that follows
    keep        the results themselves, too
    colours     their colours, and nothing else: with a library
    """

    next_style: Tensor | None = None
    keep: bool = True
    colours: Colours | None = None

    def __getitem__(self, rows: slice) -> Wanted:
        """Of these samples."""
        style, colours = (None if own is None else own[rows] for own in (self.next_style, self.colours))
        return replace(self, next_style=style, colours=colours)


class FastStyleGAN2(FastSynthesis):
    """See `FastSynthesis`. Skip networks stop at the resolution that is asked for."""

    architecture = "stylegan2"

    def __init__(self, generator: Generator, precision: Precision, compiled: bool | None = None):
        super().__init__(generator, precision, compiled)
        self.clamp = precision.clamp(self.config.conv_clamp)
        self.device = generator.mapping.w_avg.device
        self.library, self.styled = None, set()
        if self.config.activation in SLOPES:
            self.library = CpuLibrary.find(compiled, self.device, precision.dtype)
        self.can_fade = self.library is not None  # which adds what follows while it mixes the parts
        self.taps: dict[int, Tensor | None] = {}  # of every resolution
        for block in generator.synthesis.blocks:
            self.taps[block.resolution] = separate(block.resample_filter, 2)
            self._add(block)
        if precision.dtype != torch.float32:
            self._begin_exactly(generator, compiled)

    # --- what there is to do -----------------------------------------------------------------------

    def _add(self, block: Block) -> None:
        """The units and the two steps of one resolution."""
        name, row = f"b{block.resolution}", len(self.steps) - 1
        dtype = self.precision.dtype
        if block.is_first:
            leaf = f"{name}.const"
            self.add_unit(leaf, (leaf,), lambda tensors: tensors[leaf].to(dtype))
            self.steps += (Step((leaf,), (), self._constant),)
        else:
            used = [f"{name}.conv0"]
            self._add_layer(used[0], block.conv0, block.resolution // 2)
            if self.config.architecture == "resnet":
                used.append(f"{name}.skip")
                self.add_module(used[1], block.skip, self._shortcut)
            self.steps += (Step(tuple(used), (row,), partial(self._first, block, row)),)
        used = [f"{name}.conv1"]
        self._add_layer(used[0], block.conv1, block.resolution)
        if block.has_to_rgb:
            used.append(f"{name}.torgb")
            make = partial(Rgb.of, is_short=dtype != torch.float32)
            self.add_module(used[1], block.torgb, make, fades=True)
        rows = tuple(range(row + 1, row + 1 + len(used)))
        self.steps += (Step(tuple(used), rows, partial(self._second, block, row + 1)),)

    def _add_layer(self, name: str, module: SynthesisLayer, size: int) -> None:
        """The unit of a layer whose convolution works on about `size` pixels a side."""
        products = self.library and self.library.products(self.precision.dtype, size, module.up > 1)
        if products is not None:
            self.styled.add(name)
        self.add_module(name, module, partial(self._layer, products), fades=True)

    def _begin_exactly(self, generator: Generator, compiled: bool | None) -> None:
        """Draw the coarsest layers in float32: they take no time, and what they round off is seen everywhere.

        The worst of 48 pictures of a sample network came from 43.2 to 47.1 dB of exact ones by it.
        """
        exact = FastStyleGAN2(generator, Precision("exact", torch.float32), compiled)
        exact.clamp, dtype, exact.parts = self.clamp, self.precision.dtype, self.parts
        count = 2 * sum(resolution <= COARSE for resolution in self.config.resolutions)
        *coarse, last = exact.steps[:count]
        self.units |= {name: exact.units[name] for step in (*coarse, last) for name in step.units}

        def end(state: State, batch: Batch, more: bool) -> State:
            drawn = last.draw(state, batch, False)  # what follows is in another format: nothing to share
            return drawn if drawn.x is None else replace(drawn, x=drawn.x.to(dtype))

        self.steps = (*coarse, replace(last, draw=end), *self.steps[count:])

    # --- preparing ---------------------------------------------------------------------------------

    def _layer(self, products: torch.dtype | None, module: SynthesisLayer, own: dict[str, Tensor]) -> Layer:
        """`products`: the format in which the library multiplies; None: it doesn't."""
        up = module.up > 1
        kernel = own["resample_filter"] if up else None
        base = Modulated.of(
            own["weight"],
            own["affine.weight"],
            own["affine.bias"],
            module.affine.weight_gain,
            self.precision,
            up,
            products and partial(self.library.weights, scheme=DOUBLING if up else EVEN, products=products),
        )
        noise = strength = None
        if self.config.use_noise:
            strength = own["noise_strength"]
            noise = (own["noise_const"] * strength).reshape(1, -1)
        bias = own["bias"].to(torch.float32)
        return Layer(
            **vars(base),
            bias=bias,
            noise=noise,
            strength=strength,
            filter=kernel,
            taps=kernel if kernel is None else separate(kernel, 2),
        )

    def _shortcut(self, module, own: dict[str, Tensor]) -> Shortcut:
        weight = (own["weight"] * module.weight_gain).to(self.precision.dtype)
        return Shortcut(weight.contiguous(memory_format=torch.channels_last), own["resample_filter"])

    # --- drawing -----------------------------------------------------------------------------------

    def _constant(self, state: State, batch: Batch, more: bool) -> State:
        """Position 0: the constant, [N, C, h, w]."""
        x = batch.each("b4.const", lambda made, w: made.expand(len(w), -1, -1, -1), batch.ws[:, 0])
        return State(1, x.contiguous(memory_format=torch.channels_last))

    def _first(self, block: Block, row: int, state: State, batch: Batch, more: bool) -> State:
        """Level 0: the convolution that doubles the size, and a resnet's shortcut."""
        name = f"b{block.resolution}"
        branch = None
        if self.config.architecture == "resnet":
            branch = batch.each(f"{name}.skip", _draw_shortcut, state.x)
        following = f"{name}.conv1" if more else None
        x, scaled = self._convolve(f"{name}.conv0", row, state, batch, following, keep=not more)
        return State(state.position + 1, x, state.image, branch, scaled)

    def _second(self, block: Block, row: int, state: State, batch: Batch, more: bool) -> State:
        """Level 1: the second convolution and the to-RGB."""
        name, is_resnet = f"b{block.resolution}", self.config.architecture == "resnet"
        has_shortcut = is_resnet and not block.is_first
        colours = self._colours(block, row + 1, state, batch) if block.has_to_rgb else None
        is_last = batch.ends == state.position + 1
        if is_last and not has_shortcut and self._draws_colours(f"{name}.conv1", batch):
            image, _ = self._convolve(f"{name}.conv1", row, state, batch, None, True, colours=colours)
            return State(state.position + 1, image=image)
        # In a resnet the next layer's input is this layer's sum, so styles can't be fused.
        following = f"b{2 * block.resolution}.conv0" if more and not is_resnet else None
        keep = block.has_to_rgb or following is None
        gain = math.sqrt(0.5) if has_shortcut else 1.0
        x, scaled = self._convolve(f"{name}.conv1", row, state, batch, following, keep, gain)
        if has_shortcut:
            x = x + state.branch
        image = state.image
        if colours is not None:
            image = draw_colours(x, colours, block.resample_filter, self.library)
        return State(state.position + 1, None if is_last else x, image, None, scaled)

    def _colours(self, block: Block, row: int, state: State, batch: Batch) -> Colours:
        """The to-RGB of a resolution."""
        weight, bias = batch.each(f"b{block.resolution}.torgb", weights_of, batch.ws[:, row])
        bound = math.inf if self.clamp is None else self.clamp
        return Colours(weight, bias, bound, state.image, self.taps[block.resolution])

    def _draws_colours(self, name: str, batch: Batch) -> bool:
        """Whether a layer's colours can be drawn without its results."""
        return name in self.styled and not batch.fades(name)

    def _convolve(
        self,
        name: str,
        row: int,
        state: State,
        batch: Batch,
        following: str | None,
        keep: bool,
        gain: float = 1.0,
        colours: Colours | None = None,
    ) -> tuple[Tensor | None, Tensor | None]:
        """One layer: its activations (if `keep`), and these times the styles of the layer `following`."""
        if following in self.styled or batch.fades(following):
            following, keep = None, True
        next_style = origins = None
        if following is not None:
            next_style = batch.each(following, style_of, batch.ws[:, row + 1])
        if batch.fades(name):
            origins = batch.origins(state.position, row)
        is_styled = name in self.styled
        draw = partial(self._draw_layer, is_styled, noise_mode=batch.noise_mode, gain=gain)
        wanted = Wanted(next_style, keep, colours)
        result = batch.each(name, draw, state.x, state.scaled, batch.ws[:, row], wanted, origins)
        if following is None:
            return result, None
        return result if keep else (None, result)

    def _draw_layer(
        self,
        is_styled: bool,
        made: Layer | Pair,
        x: Tensor | None,
        scaled: Tensor | None,
        w: Tensor,
        wanted: Wanted,
        origins: Sequence[Origin] | None,
        noise_mode: str,
        gain: float,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """x [N, I, H, W] → [N, O, H', W'], plain, times the next styles, or both; or colours.

        scaled   x times the styles of w, where that is known; a layer that `is_styled` multiplies itself
        origins  of every sample; see `Batch.origins`
        """
        if isinstance(made, Pair):
            return self._fade(is_styled, made, x, w, wanted, origins, noise_mode, gain)
        style = made.style(w)
        if not is_styled:
            x = scale_channels(x, style) if scaled is None else scaled
        size = x.shape[2:] if made.filter is None else [2 * side for side in x.shape[2:]]
        values = made.demodulation(style), self._noise(made, len(x), *size, noise_mode), made.bias
        if self.library is not None and (made.filter is None or made.taps is not None):
            finish = self._finish_of(*values, gain, wanted)
            return self._draw_with_library(made, x, style, finish, colours=wanted.colours)
        y = convolve(x, made.weight) if made.filter is None else double(x, made.weight, made.filter)
        found = self._finish(flat(y), *values, gain, wanted)
        return tuple(spatial(part, y) for part in found) if isinstance(found, tuple) else spatial(found, y)

    def _draw_with_library(
        self, made: Layer, x: Tensor, style: Tensor, finish: Finish, **rest
    ) -> Tensor | tuple[Tensor, Tensor]:
        """The same where C++ can do what follows, and the convolution too where that is faster.

        rest  colours and out, as the library's `convolve` has them
        """
        up = made.filter is not None
        size = tuple(side * 2 if up else side for side in x.shape[2:])
        low_pass = LowPass(made.taps, (len(made.taps) + 1) // 2 - 1, size) if up else None
        if isinstance(made.weight, Weights):
            return self.library.convolve(x, made.weight, style, finish, low_pass=low_pass, **rest)
        y = convolve_double(x, made.weight) if up else convolve(x, made.weight)
        low_pass = low_pass or LowPass(torch.ones(1), 0, size)
        return self.library.low_pass(y, low_pass, finish, out=rest.get("out"))

    def _fade(
        self,
        is_styled: bool,
        made: Pair,
        x: Tensor,
        w: Tensor,
        wanted: Wanted,
        origins: Sequence[Origin],
        noise_mode: str,
        gain: float,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """As `_draw_layer`, of a layer that cross-fades: by parts, see `fading`."""
        results = []
        for rows in neighbours(origins):
            parts = self._parts(is_styled, made, x[rows][:1], w[rows][:1], origins[rows.start])
            own = [made.single(sample, "bias", "noise", "strength") for sample in range(len(x))[rows]]
            noise = torch.cat([self._noise(one, 1, *parts.x.shape[2:], noise_mode) for one in own])
            bias, shares = torch.stack([one.bias for one in own]), made.shares[rows]
            scale = parts.demodulation(shares, made.low.is_short)
            finish = self._finish_of(scale, noise, bias, gain, wanted[rows])
            results.append(self.library.fade(parts.x, parts.factors(shares), finish))
        return joined_samples(results)

    def _parts(self, is_styled: bool, made: Pair, x: Tensor, w: Tensor, origin: Origin) -> Parts:
        """What a cross-fade of x [1, I, H, W] and w [1, w_dim] is drawn by, computed once."""
        key = origin.digest + made.identity
        if key in self.parts:
            return self.parts.get(key)

        def convolved(layer: Layer, style: Tensor, out: Tensor) -> None:
            own = x if is_styled else scale_channels(x, style)
            if layer.filter is None or layer.taps is not None:
                self._draw_with_library(layer, own, style, Finish(), out=out)
            else:
                out.copy_(double(own, layer.weight, layer.filter))

        size = x.shape[2:] if made.low.filter is None else [2 * side for side in x.shape[2:]]
        shape = 3, len(made.low.bias), *size
        room = torch.empty(shape, dtype=x.dtype, memory_format=torch.channels_last)
        parts = Parts.of(made, w, room, convolved)
        self.parts.put(key, parts, (origin.sources, made.sources))
        return parts

    def _noise(self, made: Layer, n: int, height: int, width: int, noise_mode: str) -> Tensor:
        """What is added to all channels, [1 or N, H·W]."""
        if made.noise is None or noise_mode == "none":
            return torch.zeros([1, height * width], device=self.device)
        if noise_mode == "random":
            return torch.randn([n, height * width], device=self.device) * made.strength
        return made.noise

    def _finish_of(
        self,
        scale: Tensor,
        noise: Tensor,
        bias: Tensor,
        gain: float,
        wanted: Wanted,
    ) -> Finish:
        """What the library does after a convolution: the values of `_finish`."""
        bound = math.inf if self.clamp is None else self.clamp * gain
        gain = gain * ops.ACTIVATIONS[self.config.activation][1]
        slope = SLOPES[self.config.activation]
        values = scale * gain, noise * gain, None, bias * gain
        return Finish(*values, slope, bound, wanted.next_style, wanted.keep)

    def _finish(
        self,
        y: Tensor,
        scale: Tensor,
        noise: Tensor,
        bias: Tensor,
        gain: float,
        wanted: Wanted,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """All that follows a convolution: y, and the results, [N, H·W, C]."""
        slope = SLOPES.get(self.config.activation)
        if slope is None:
            return self._finish_otherwise(y, scale, noise, bias, gain, wanted)
        bound = math.inf if self.clamp is None else self.clamp * gain
        gain = gain * ops.ACTIVATIONS[self.config.activation][1]
        inputs = y, scale * gain, noise * gain, bias * gain
        rest = {"slope": slope, "clamp": bound, "compiled": self.compiled}
        if wanted.next_style is None:
            return kernels.finish(*inputs, **rest)
        function = kernels.finish_both if wanted.keep else kernels.finish_and_scale
        return function(*inputs, wanted.next_style, **rest)

    def _finish_otherwise(self, y, scale, noise, bias, gain, wanted):
        """The same for activations that a gain does not pass through, in separate passes."""
        z = y.float() * scale[:, None] + (noise[..., None] + bias)
        z = ops.activate(z, None, self.config.activation, gain, self.clamp).to(y.dtype)
        if wanted.next_style is None:
            return z
        scaled = kernels.scale(z, wanted.next_style, compiled=self.compiled)
        return (z, scaled) if wanted.keep else scaled

    # --- results -----------------------------------------------------------------------------------

    def last_step(self, resolution: int | None) -> int:
        resolutions = self.config.resolutions
        if self.config.architecture != "skip" or resolution not in resolutions:
            return len(self.steps)
        return 2 * resolutions.index(resolution) + 2

    def picture(self, state: State, batch: Batch, resolution: int | None) -> Tensor:
        return self.shrink(state.image, resolution)


def _draw_shortcut(made: Shortcut, x: Tensor) -> Tensor:
    """A resnet's other branch: x [N, I, H, W] → [N, O, 2H, 2W], times √0.5."""
    y = convolve(x, made.weight, padding=0)
    n, c, height, width = y.shape
    spread = y.new_zeros([n, height, 2, width, 2, c])
    spread[:, :, 0, :, 0] = y.permute(0, 2, 3, 1)
    spread = spread.reshape(n, 2 * height, 2 * width, c).permute(0, 3, 1, 2)
    size_y, size_x = made.filter.shape
    ends = ((size_x + 1) // 2, (size_x - 2) // 2, (size_y + 1) // 2, (size_y - 2) // 2)
    return depthwise(spread, made.filter * (4 * math.sqrt(0.5)), ends)
