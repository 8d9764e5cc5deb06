"""StyleGAN2's fast synthesis: the same pictures as `stylegan2.Synthesis` in fewer passes over memory.

A layer is a convolution with the shared weight (transposed where the size doubles, then the low-pass filter
channel by channel), and one pass for all that follows: see `layers2`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from render.networks.colours2 import Rgb, draw_colours, weights_of
from render.networks.cpu import CpuLibrary
from render.networks.cpu_passes import DOUBLING, EVEN, Colours
from render.networks.generator import Generator
from render.networks.layers2 import SLOPES, Layer, LayerDrawer, Wanted
from render.networks.modulated import convolve, depthwise, separate, style_of
from render.networks.precision import Precision
from render.networks.stylegan2 import Block, SynthesisLayer
from render.networks.synthesis import Batch, FastSynthesis, State, Step

COARSE = 8  # pixels: the layers up to here are in float32, whatever the others are in


@dataclass(frozen=True)
class Shortcut:
    """A prepared resnet skip: weight [O, I, 1, 1] and filter [k, k]."""

    weight: Tensor
    filter: Tensor


class FastStyleGAN2(FastSynthesis):
    """See `FastSynthesis`. Skip networks stop at the resolution that is asked for."""

    architecture = "stylegan2"

    def __init__(self, generator: Generator, precision: Precision, compiled: bool | None = None):
        super().__init__(generator, precision, compiled)
        clamp, activation = precision.clamp(self.config.conv_clamp), self.config.activation
        self.library, self.styled = None, set()
        if activation in SLOPES:
            self.library = CpuLibrary.find(compiled, generator.mapping.w_avg.device, precision.dtype)
        self.drawer = LayerDrawer(activation, clamp, self.library, compiled, self.parts)
        self.can_fade = self.library is not None  # which adds what follows while it mixes the parts
        self.can_share = self.library is not None  # which does most of it, and with any number of threads
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
            self.steps += (Step((leaf,), (), self.weakly(FastStyleGAN2._constant)),)
        else:
            used = [f"{name}.conv0"]
            self._add_layer(used[0], block.conv0, block.resolution // 2)
            if self.config.architecture == "resnet":
                used.append(f"{name}.skip")
                self.add_module(used[1], block.skip, self.weakly(FastStyleGAN2._shortcut))
            draw = self.weakly(FastStyleGAN2._first, block, row)
            self.steps += (Step(tuple(used), (row,), draw),)
        used = [f"{name}.conv1"]
        self._add_layer(used[0], block.conv1, block.resolution)
        if block.has_to_rgb:
            used.append(f"{name}.torgb")
            make = partial(Rgb.of, is_short=dtype != torch.float32)
            self.add_module(used[1], block.torgb, make, fades=True)
        rows = tuple(range(row + 1, row + 1 + len(used)))
        self.steps += (Step(tuple(used), rows, self.weakly(FastStyleGAN2._second, block, row + 1)),)

    def _add_layer(self, name: str, module: SynthesisLayer, size: int) -> None:
        """The unit of a layer whose convolution works on about `size` pixels a side."""
        doubles, products, pack = module.up > 1, None, None
        # A filter that can't be parted is PyTorch's work, and so is the convolution before it.
        if self.library is not None and not (doubles and separate(module.resample_filter, 2) is None):
            products = self.library.products(self.precision.dtype, size, doubles)
        if products is not None:
            self.styled.add(name)
            scheme = DOUBLING if doubles else EVEN
            pack = partial(self.library.weights, scheme=scheme, products=products)
        make = partial(Layer.prepared, precision=self.precision, pack=pack)
        self.add_module(name, module, make, fades=True)

    def _begin_exactly(self, generator: Generator, compiled: bool | None) -> None:
        """Draw the coarsest layers in float32.

        The worst of 48 pictures of a sample network came from 43.2 to 47.1 dB of exact ones by it.
        """
        exact = FastStyleGAN2(generator, Precision("exact", torch.float32), compiled)
        exact.drawer.clamp, exact.drawer.parts = self.drawer.clamp, self.parts
        self.begin_as(exact, 2 * sum(resolution <= COARSE for resolution in self.config.resolutions))

    # --- preparing ---------------------------------------------------------------------------------

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
        if is_last and not has_shortcut and self._draws_colours(f"{name}.conv1", colours, batch):
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
        bound = math.inf if self.drawer.clamp is None else self.drawer.clamp
        return Colours(weight, bias, bound, state.image, self.taps[block.resolution])

    def _draws_colours(self, name: str, colours: Colours, batch: Batch) -> bool:
        """Whether a layer's colours can be drawn without its results."""
        has_taps = colours.image is None or colours.taps is not None
        return has_taps and name in self.styled and not batch.fades(name)

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
        draw = partial(self.drawer.draw, noise_mode=batch.noise_mode, gain=gain)
        wanted = Wanted(next_style, keep, colours)
        result = batch.each(name, draw, state.x, state.scaled, batch.ws[:, row], wanted, origins)
        if following is None:
            return result, None
        return result if keep else (None, result)

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
