"""A library for the CPU, cpp/: convolutions with a quarter of the products, and fewer passes over memory.

Its definitions: `F.conv2d`, `F.conv_transpose2d`, `modulated.depthwise`, `kernels.finish`, `ops.upsample2d`.
Activations are `[N, C, H, W]` in channels_last, in float32 or bfloat16.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from ctypes import c_bool, c_float, c_int, c_long, c_void_p
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from render.networks.compiling import COMPILED
from render.networks.threads import thread_count

SOURCE = Path(__file__).parent / "cpp" / "library.cpp"
PAGE = 4096  # bytes: every thread's room begins on one of its own
# Pixels from which fewer products pay, though weights grow fourfold: tests/benchmarks/layers.py measures it.
SMALLEST = {torch.float32: 8, torch.bfloat16: 16}
SHORT_FROM = 32  # pixels: below, `EVEN` products of bfloat16 cost too much of a picture's precision
FORMATS = (torch.float32, torch.bfloat16)


class _Shape(ctypes.Structure):
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


class _Filter(ctypes.Structure):
    _fields_ = (
        ("taps", c_void_p),
        *((name, c_int) for name in ("count", "before", "out_height", "out_width")),
    )


class _Finish(ctypes.Structure):
    _fields_ = (
        *((name, c_void_p) for name in ("scale", "noise", "strength", "bias", "next")),
        ("noise_samples", c_int),
        ("slope", c_float),
        ("clamp", c_float),
        ("plain", c_void_p),
        ("scaled", c_void_p),
    )


class _Colours(ctypes.Structure):
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

    def room(self, size: Sequence[int]) -> tuple[Tensor, _Colours, object]:
        """A picture of that size; the library's own form, which draws to it; and what has to live as long."""
        picture, image, taps = torch.empty(*self.weight.shape[:2], *size), self.image, None
        if image is not None:
            image, taps = image.contiguous(), self.taps.flip(0).contiguous()
        owned = self.weight.contiguous(), self.bias.contiguous(), image, taps
        count = 0 if taps is None else len(taps)
        sizes = *picture.shape[1:], count, (count + 1) // 2
        return picture, _Colours(*map(_address, (*owned, picture)), *sizes, self.clamp), owned


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

    def into(self, plain: Tensor | None, scaled: Tensor | None) -> _Finish:
        """The same for the library, with results in these tensors."""
        own = (self.scale, self.noise, self.strength, self.bias, self.next_style)
        assert all(t is None or (t.is_contiguous() and t.dtype == torch.float32) for t in own)
        samples = 1 if self.noise is None else len(self.noise)
        return _Finish(
            *map(_address, own), samples, self.slope, self.clamp, _address(plain), _address(scaled)
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

    def for_library(self) -> _Filter:
        return _Filter(_address(self.flipped), len(self.taps), self.before, *self.size)


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
    """Transformed weights of one layer, from I to O channels."""

    packed: Tensor
    scheme: Scheme
    inputs: int
    outputs: int


class CpuLibrary:
    """The library. Find it with `CpuLibrary.find`."""

    def __init__(self, library: ctypes.CDLL):
        pointer = c_void_p
        library.weights_size.restype = library.convolve_tiles.restype = c_long
        library.pack_weights.argtypes = [c_int, c_bool, pointer, c_int, c_int, pointer, c_int]
        library.convolve_tiles.argtypes = [
            *(c_int, c_bool, c_bool, _Shape, pointer, pointer, pointer),
            *(_Filter, _Finish, _Colours, c_int, pointer),
        ]
        library.filter_channels.argtypes = [c_bool, _Shape, pointer, _Filter, _Finish, pointer, c_int]
        library.draw_colours.argtypes = [c_bool, _Colours, pointer, c_int, c_int, pointer, c_int]
        library.fade_parts.argtypes = [c_bool, _Shape, pointer, pointer, _Finish, c_int]
        self._library = library
        self.has_short_products = bool(library.has_short_products())

    @classmethod
    def find(cls, compiled: bool | None, device: torch.device, dtype: torch.dtype) -> CpuLibrary | None:
        """The library for activations in `dtype`, if there is one; `compiled` as for other kernels."""
        if device.type != "cpu" or dtype not in FORMATS:
            return None
        library = COMPILED.library(SOURCE, compiled)
        return library and cls(library)

    def products(self, dtype: torch.dtype, size: int, doubles: bool) -> torch.dtype | None:
        """The format of factors for activations in `dtype`, of `size` pixels a side; None: none pays."""
        if size < SMALLEST[dtype] or (dtype != torch.float32 and _has_tiles()):
            return None
        is_short = dtype == torch.bfloat16 and self.has_short_products and (doubles or size >= SHORT_FROM)
        return torch.bfloat16 if is_short else torch.float32

    def weights(self, weight: Tensor, scheme: Scheme, products: torch.dtype) -> Weights:
        """weight [O, I, k, k], float32, transposed or not; `products`: the format of factors."""
        weight = weight.contiguous()
        outputs, inputs = weight.shape[:2]
        size = self._library.weights_size(scheme.number, inputs, outputs)
        packed = torch.empty(size, dtype=products)
        self._library.pack_weights(
            scheme.number,
            products == torch.bfloat16,
            _address(weight),
            inputs,
            outputs,
            _address(packed),
            thread_count(),
        )
        return Weights(packed, scheme, inputs, outputs)

    def convolve(
        self,
        x: Tensor,
        weights: Weights,
        style: Tensor | None,
        finish: Finish,
        pad: int = 1,
        low_pass: LowPass | None = None,
        colours: Colours | None = None,
        out: Tensor | None = None,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """x [N, I, H, W] times style [N, I], convolved and finished: plain, times the next styles, or both.

        With `pad` zeros around, [N, O, H + 2·pad - 2, …]. Where the size doubles, [N, O, 2H + 1, 2W + 1] of
        three taps and [N, O, 2H, 2W] of four. A `low_pass` lies between convolution and finish. With
        `colours`, these of the results are all that comes of it, as the method of that name gives them; not
        after a low-pass. Plain results alone may be written to `out`.
        """
        n, inputs, *size = x.shape
        scheme, threads = weights.scheme, thread_count()
        grown = [2 * side + 4 - scheme.taps if scheme.doubles else side + 2 * pad - 2 for side in size]
        shape = _Shape(n, *size, inputs, *grown, weights.outputs, pad)
        results, picture, own, _owned = (None, None), None, _Colours(), None
        assert colours is None or (low_pass is None and out is None)
        if colours is None:
            results = _results(x, weights.outputs, low_pass.size if low_pass else grown, finish, out)
        else:
            picture, own, _owned = colours.room(grown)
        x = x.contiguous(memory_format=torch.channels_last)
        style = style if style is None else style.contiguous()
        formats = x.dtype == torch.bfloat16, weights.packed.dtype == torch.bfloat16
        inputs = _address(x), _address(style), _address(weights.packed)
        after = low_pass.for_library() if low_pass else _Filter(), finish.into(*results), own
        work = scheme.number, *formats, shape, *inputs, *after, threads
        room = torch.empty(self._library.convolve_tiles(*work, None) + PAGE, dtype=torch.uint8)
        self._library.convolve_tiles(*work, -(-room.data_ptr() // PAGE) * PAGE)
        return _chosen(results) if picture is None else picture

    def low_pass(
        self, x: Tensor, low_pass: LowPass, finish: Finish, out: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """x [N, C, H, W] filtered and finished: [N, C, *size]; `out` as in `convolve`."""
        n, channels, height, width = x.shape
        x = x.contiguous(memory_format=torch.channels_last)
        results, threads = _results(x, channels, low_pass.size, finish, out), thread_count()
        room = torch.empty(threads * width * channels)
        self._library.filter_channels(
            x.dtype == torch.bfloat16,
            _Shape(n, height, width, channels, *low_pass.size, channels, low_pass.before),
            _address(x),
            low_pass.for_library(),
            finish.into(*results),
            _address(room),
            threads,
        )
        return _chosen(results)

    def fade(self, parts: Tensor, weights: Tensor, finish: Finish) -> Tensor | tuple[Tensor, Tensor]:
        """Σ weights [N, 3] · parts [3, C, H, W], finished, with a bias for every sample: [N, C, H, W]."""
        n, (channels, *size) = len(weights), parts.shape[1:]
        results = _results(parts[:1].expand(n, -1, -1, -1), channels, size, finish)
        self._library.fade_parts(
            parts.dtype == torch.bfloat16,
            _Shape(n, *size, channels, *size, channels, 0),
            _address(parts),
            _address(weights),
            finish.into(*results),
            thread_count(),
        )
        return _chosen(results)

    def colours(self, x: Tensor, colours: Colours) -> Tensor:
        """The colours of x [N, I, H, W]: float32 [N, C, H, W]."""
        n, inputs, height, width = x.shape
        x, threads = x.contiguous(memory_format=torch.channels_last), thread_count()
        picture, own, _owned = colours.room((height, width))
        room = torch.empty(threads * 3 * max(width // 2, 1))
        self._library.draw_colours(
            x.dtype == torch.bfloat16, own, _address(x), n, inputs, _address(room), threads
        )
        return picture


def _has_tiles() -> bool:
    """AMX multiplies bfloat16 16 times as fast as float32 is: nothing is gained there."""
    probe = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return probe is not None and probe()


def _results(
    x: Tensor, channels: int, size: Sequence[int], finish: Finish, out: Tensor | None = None
) -> tuple[Tensor | None, Tensor | None]:
    """Room for what is wanted: plain (`out`, where it is given), and times the next styles."""
    shape, form = (len(x), channels, *size), torch.channels_last

    def room() -> Tensor:
        return torch.empty(shape, dtype=x.dtype, memory_format=form)

    if out is not None:
        assert finish.next_style is None
        assert (out.shape, out.dtype) == (shape, x.dtype)
        assert out.is_contiguous(memory_format=form)
        return out, None
    plain = room() if finish.keep or finish.next_style is None else None
    return plain, None if finish.next_style is None else room()


def _chosen(results: tuple[Tensor | None, Tensor | None]) -> Tensor | tuple[Tensor, Tensor]:
    there = tuple(result for result in results if result is not None)
    return there if len(there) > 1 else there[0]


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
