"""What passes of the library for the CPU are told: as Python has it, and in the forms that C++ has (cpp/)."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from ctypes import c_bool, c_float, c_int, c_void_p
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

SYMMETRIC = 1e-7  # how far from it a low-pass filter may be


class ShapeForm(ctypes.Structure):
    _fields_ = tuple(
        (name, c_int)
        for name in (
            "samples",
            "in_height",
            "in_width",
            "in_channels",
            "out_height",
            "out_width",
            "out_channels",
            "pad",
        )
    )


class FilterForm(ctypes.Structure):
    _fields_ = (
        ("taps", c_void_p),
        *((name, c_int) for name in ("count", "before", "out_height", "out_width")),
    )


class FinishForm(ctypes.Structure):
    _fields_ = (
        *((name, c_void_p) for name in ("scale", "noise", "strength", "bias", "next")),
        ("noise_samples", c_int),
        ("slope", c_float),
        ("clamp", c_float),
        ("plain", c_void_p),
        ("scaled", c_void_p),
    )


class AliasFreeForm(ctypes.Structure):
    _fields_ = (
        *((name, c_void_p) for name in ("scale", "bias", "up", "down")),
        *((name, c_int) for name in ("factor", "shift")),
        ("radial", c_bool),
        *((name, c_float) for name in ("slope", "clamp")),
    )


class ColoursForm(ctypes.Structure):
    _fields_ = (
        *((name, c_void_p) for name in ("weight", "bias", "before", "taps", "picture")),
        *((name, c_int) for name in ("channels", "height", "width", "count", "pad")),
        ("clamp", c_float),
    )


@dataclass(frozen=True)
class Colours:
    """A to-RGB: x [N, I, H, W] · weight [N, C, I] + bias [N, C], clamped, and what is added to it.

    image  the picture so far, [N, C, H/2, W/2], to be doubled with `taps [k]`, which sum to 2, both ways
    """

    weight: Tensor
    bias: Tensor
    clamp: float
    image: Tensor | None = None
    taps: Tensor | None = None

    def __getitem__(self, rows: slice) -> Colours:
        """Of these samples."""
        image = None if self.image is None else self.image[rows]
        return replace(self, weight=self.weight[rows], bias=self.bias[rows], image=image)

    def room(self, size: Sequence[int]) -> tuple[Tensor, ColoursForm, object]:
        """A picture of that size; the library's own form, which draws to it; and what has to live as long."""
        picture, image, taps = torch.empty(*self.weight.shape[:2], *size), self.image, None
        if image is not None:
            image, taps = image.contiguous(), self.taps.flip(0).contiguous()
        owned = self.weight.contiguous(), self.bias.contiguous(), image, taps
        count = 0 if taps is None else len(taps)
        sizes = *picture.shape[1:], count, (count + 1) // 2
        return picture, ColoursForm(*map(address, (*owned, picture)), *sizes, self.clamp), owned


@dataclass(frozen=True)
class Finish:
    """What follows a convolution: y · scale + noise · strength + bias, leaky ReLU, clamp.

    scale [N, O]; noise [1 or N, H·W]; strength and bias [O]; None: without. `next_style [N, O]`: the results
    times that too, or (`keep` False) only these.
    """

    scale: Tensor | None = None
    noise: Tensor | None = None
    strength: Tensor | None = None
    bias: Tensor | None = None
    slope: float = 1.0
    clamp: float = math.inf
    next_style: Tensor | None = None
    keep: bool = True

    def into(self, plain: Tensor | None, scaled: Tensor | None) -> FinishForm:
        """The same for the library, with results in these tensors."""
        own = (self.scale, self.noise, self.strength, self.bias, self.next_style)
        assert all(t is None or (t.is_contiguous() and t.dtype == torch.float32) for t in own)
        samples = 1 if self.noise is None else len(self.noise)
        return FinishForm(
            *map(address, own), samples, self.slope, self.clamp, address(plain), address(scaled)
        )


@dataclass(frozen=True)
class LowPass:
    """A filter of every channel: taps [k] along both axes, `before` zeros ahead, results of `size` pixels."""

    taps: Tensor
    before: int
    size: tuple[int, int]

    @cached_property
    def flipped(self) -> Tensor:
        return self.taps.flip(0).contiguous()

    def for_library(self) -> FilterForm:
        return FilterForm(address(self.flipped), len(self.taps), self.before, *self.size)


@dataclass(frozen=True)
class AliasFree:
    """StyleGAN3's leaky ReLU, `filters3.filtered_lrelu`, with filters as its networks have. See `of`."""

    up: Tensor
    down: Tensor
    factor: int
    before: int
    size: tuple[int, int]
    slope: float
    clamp: float

    @classmethod
    def of(
        cls,
        up: Tensor | None,
        down: Tensor | None,
        factor: int,
        step: int,
        before: int,
        size: tuple[int, int],
        slope: float,
        gain: float,
        clamp: float | None,
    ) -> AliasFree | None:
        """None where the library has no such filters.

        up, down  [6 · factor], and [12] or [12, 12]: symmetric. For `factor` times as many samples, of which
                  every `step`-th is kept: the second
        before    zeros before the finer signal
        size      height and width of the results
        """
        if up is None or down is None or factor not in (2, 4) or step != 2:
            return None
        if tuple(up.shape) != (6 * factor,) or {*down.shape} != {12}:
            return None
        lines = up, down, down.transpose(0, -1)
        if not all(torch.allclose(one, one.flip(0), rtol=0, atol=SYMMETRIC) for one in lines):
            return None
        up = (up.float() * factor * math.sqrt(gain)).contiguous()  # along both axes
        bound = math.inf if clamp is None else clamp
        return cls(up, down.float().contiguous(), factor, before, size, slope, bound)

    def for_library(self, scale: Tensor, bias: Tensor) -> AliasFreeForm:
        own = map(address, (scale, bias, self.up, self.down))
        shift = len(self.up) - 1 - self.before
        return AliasFreeForm(*own, self.factor, shift, self.down.ndim == 2, self.slope, self.clamp)


@dataclass(frozen=True)
class Scheme:
    """A way to convolve with fewer products (cpp/schemes.h).

    number   in the library
    taps     of the weight along each axis
    doubles  a transposed convolution of stride 2
    """

    number: int
    taps: int
    doubles: bool


EVEN = Scheme(0, 3, doubles=False)
DOUBLING = Scheme(1, 3, doubles=True)
DOUBLING_FOUR = Scheme(2, 4, doubles=True)


@dataclass(frozen=True)
class Weights:
    """Transformed weights of one layer, from I to O channels.

    energy  Σₖ w², [I, O], which nearly comes by itself; None where it was taken away
    """

    packed: Tensor
    scheme: Scheme
    inputs: int
    outputs: int
    energy: Tensor | None = None


def address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
