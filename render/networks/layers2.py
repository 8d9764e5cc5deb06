"""One layer of StyleGAN2, drawn fast: a convolution, and all that follows it in one pass.

That is demodulation, noise, bias, activation, clamp, and what is wanted then: the next styles, or colours.
Where `cpu` has a library, that pass belongs to the convolution or to the filter, and so do the own styles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from render.networks import kernels, ops
from render.networks.batch import joined_samples
from render.networks.cpu import CpuLibrary
from render.networks.cpu_passes import Colours, Finish, LowPass, Weights
from render.networks.fading import Pair, Parts, neighbours
from render.networks.modulated import (
    Modulated,
    convolve,
    convolve_double,
    double,
    flat,
    scale_channels,
    separate,
    spatial,
)
from render.networks.precision import Precision
from render.networks.reuse import Kept, Origin
from render.networks.stylegan2 import SynthesisLayer

# Activations that a positive gain passes through, as leaky ReLUs: their slope below 0.
SLOPES = {"lrelu": 0.2, "relu": 0.0, "linear": 1.0}

Drawn = Tensor | tuple[Tensor, Tensor]


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

    @classmethod
    def prepared(
        cls,
        module: SynthesisLayer,
        own: dict[str, Tensor],
        precision: Precision,
        pack: Callable[[Tensor], Weights] | None,
    ) -> Layer:
        """A layer with these tensors; `pack` as in `Modulated.of`."""
        kernel = own["resample_filter"] if module.up > 1 else None
        affine = own["affine.weight"], own["affine.bias"], module.affine.weight_gain
        base = Modulated.of(own["weight"], *affine, precision, module.up > 1, pack)
        noise, strength = None, own.get("noise_strength")
        if strength is not None:
            noise = (own["noise_const"] * strength).reshape(1, -1)
        taps = None if kernel is None else separate(kernel, 2)
        rest = {"bias": own["bias"].float(), "noise": noise, "strength": strength}
        return cls(**vars(base), **rest, filter=kernel, taps=taps)

    @property
    def is_styled(self) -> bool:
        """Whether its convolution multiplies its styles in."""
        return isinstance(self.weight, Weights)

    def size(self, x: Tensor) -> list[int]:
        """Height and width of what it makes of x."""
        return [side * (1 if self.filter is None else 2) for side in x.shape[2:]]

    def noise_of(self, n: int, size: Sequence[int], noise_mode: str) -> Tensor:
        """What is added to all channels, [1 or N, H·W]."""
        if self.noise is None or noise_mode == "none":
            return torch.zeros([1, math.prod(size)], device=self.bias.device)
        if noise_mode == "random":
            return torch.randn([n, math.prod(size)], device=self.bias.device) * self.strength
        return self.noise


@dataclass(frozen=True)
class Wanted:
    """What is to be made of a layer's results.

    next_style  [N, O]: these times the styles of the layer that follows
    keep        the results themselves, too
    colours     their colours, and nothing else: of a layer that `is_styled` and does not fade
    """

    next_style: Tensor | None = None
    keep: bool = True
    colours: Colours | None = None

    def __getitem__(self, rows: slice) -> Wanted:
        """Of these samples."""
        style, colours = (None if own is None else own[rows] for own in (self.next_style, self.colours))
        return replace(self, next_style=style, colours=colours)


@dataclass(frozen=True)
class Values:
    """What follows a convolution, all of it times `gain`.

    scale [N, O]; noise [1 or N, H·W]; bias [O], or of a cross-fade [N, O]
    """

    scale: Tensor
    noise: Tensor
    bias: Tensor
    gain: float


class LayerDrawer:
    """Draws layers of a network.

    activation  as in its config
    clamp       what activations are clamped to; None: nothing
    library     the C++, for activations in SLOPES; None: without
    compiled    as in `FastSynthesis`
    parts       where is kept what the frames of a cross-fade share
    """

    def __init__(
        self,
        activation: str,
        clamp: float | None,
        library: CpuLibrary | None,
        compiled: bool | None,
        parts: Kept,
    ) -> None:
        self.activation, self.clamp, self.library = activation, clamp, library
        self.compiled, self.parts = compiled, parts

    def draw(
        self,
        made: Layer | Pair,
        x: Tensor | None,
        scaled: Tensor | None,
        w: Tensor,
        wanted: Wanted,
        origins: Sequence[Origin] | None,
        noise_mode: str,
        gain: float,
    ) -> Drawn:
        """x [N, I, H, W] → [N, O, H', W'], plain, times the next styles, or both; or colours.

        scaled   x times the styles of w, where that is known; a layer that `is_styled` multiplies itself
        origins  of every sample; see `Batch.origins`
        """
        if isinstance(made, Pair):
            return self._fade(made, x, w, wanted, origins, noise_mode, gain)
        style = made.style(w)
        if not made.is_styled:
            x = scale_channels(x, style) if scaled is None else scaled
        noise = made.noise_of(len(x), made.size(x), noise_mode)
        values = Values(made.demodulation(style), noise, made.bias, gain)
        if self.library is not None and (made.filter is None or made.taps is not None):
            finish = self._finish_of(values, wanted)
            return self._draw_with_library(made, x, style, finish, colours=wanted.colours)
        y = convolve(x, made.weight) if made.filter is None else double(x, made.weight, made.filter)
        found = self._finish(flat(y), values, wanted)
        return tuple(spatial(part, y) for part in found) if isinstance(found, tuple) else spatial(found, y)

    def _gained(self, values: Values) -> tuple[Tensor, Tensor, Tensor]:
        """Scale, noise and bias with all gains in them, which an activation in SLOPES lets through."""
        gain = values.gain * ops.ACTIVATIONS[self.activation][1]
        return values.scale * gain, values.noise * gain, values.bias * gain

    def _bound(self, values: Values) -> float:
        """What results are clamped to."""
        return math.inf if self.clamp is None else self.clamp * values.gain

    # --- with the library ---------------------------------------------------------------------------

    def _draw_with_library(
        self,
        made: Layer,
        x: Tensor,
        style: Tensor,
        finish: Finish,
        colours: Colours | None = None,
        out: Tensor | None = None,
    ) -> Drawn:
        """The same where C++ can do what follows, and the convolution too where that is faster.

        colours, out  as the library's `convolve` has them; colours only of a layer that `is_styled`
        """
        up, size = made.filter is not None, made.size(x)
        low_pass = LowPass(made.taps, (len(made.taps) + 1) // 2 - 1, tuple(size)) if up else None
        if made.is_styled:
            rest = {"low_pass": low_pass, "colours": colours, "out": out}
            return self.library.convolve(x, made.weight, style, finish, **rest)
        assert colours is None
        y = convolve_double(x, made.weight) if up else convolve(x, made.weight)
        low_pass = low_pass or LowPass(torch.ones(1), 0, tuple(size))
        return self.library.low_pass(y, low_pass, finish, out=out)

    def _finish_of(self, values: Values, wanted: Wanted) -> Finish:
        """What the library does after a convolution."""
        scale, noise, bias = self._gained(values)
        rest = SLOPES[self.activation], self._bound(values), wanted.next_style, wanted.keep
        return Finish(scale, noise, None, bias, *rest)

    def _fade(
        self,
        made: Pair,
        x: Tensor,
        w: Tensor,
        wanted: Wanted,
        origins: Sequence[Origin],
        noise_mode: str,
        gain: float,
    ) -> Drawn:
        """As `draw`, of a layer that cross-fades: by parts, see `fading`."""
        results = []
        for rows in neighbours(origins):
            parts = self._parts(made, x[rows][:1], w[rows][:1], origins[rows.start])
            own = [made.single(sample, "bias", "noise", "strength") for sample in range(len(x))[rows]]
            noise = torch.cat([one.noise_of(1, parts.x.shape[2:], noise_mode) for one in own])
            bias, shares = torch.stack([one.bias for one in own]), made.shares[rows]
            values = Values(parts.demodulation(shares, made.low.is_short), noise, bias, gain)
            finish = self._finish_of(values, wanted[rows])
            results.append(self.library.fade(parts.x, parts.factors(shares), finish))
        return joined_samples(results)

    def _parts(self, made: Pair, x: Tensor, w: Tensor, origin: Origin) -> Parts:
        """What a cross-fade of x [1, I, H, W] and w [1, w_dim] is drawn by, computed once."""

        def convolved(layer: Layer, style: Tensor, out: Tensor) -> None:
            own = x if layer.is_styled else scale_channels(x, style)
            if layer.filter is None or layer.taps is not None:
                self._draw_with_library(layer, own, style, Finish(), out=out)
            else:
                out.copy_(double(own, layer.weight, layer.filter))

        def computed() -> Parts:
            shape = 3, len(made.low.bias), *made.low.size(x)
            room = torch.empty(shape, dtype=x.dtype, memory_format=torch.channels_last)
            return Parts.of(made, w, room, convolved)

        return self.parts.once(origin.digest + made.identity, computed, (origin.sources, made.sources))

    # --- without ------------------------------------------------------------------------------------

    def _finish(self, y: Tensor, values: Values, wanted: Wanted) -> Drawn:
        """All that follows a convolution: y, and the results, [N, H·W, C]."""
        slope = SLOPES.get(self.activation)
        if slope is None:
            return self._finish_otherwise(y, values, wanted)
        inputs = y, *self._gained(values)
        rest = {"slope": slope, "clamp": self._bound(values), "compiled": self.compiled}
        if wanted.next_style is None:
            return kernels.finish(*inputs, **rest)
        function = kernels.finish_both if wanted.keep else kernels.finish_and_scale
        return function(*inputs, wanted.next_style, **rest)

    def _finish_otherwise(self, y: Tensor, values: Values, wanted: Wanted) -> Drawn:
        """The same for activations that a gain does not pass through, in separate passes."""
        z = y.float() * values.scale[:, None] + (values.noise[..., None] + values.bias)
        z = ops.activate(z, None, self.activation, values.gain, self.clamp).to(y.dtype)
        if wanted.next_style is None:
            return z
        scaled = kernels.scale(z, wanted.next_style, compiled=self.compiled)
        return (z, scaled) if wanted.keep else scaled
