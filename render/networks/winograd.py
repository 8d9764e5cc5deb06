"""3×3 convolutions with a quarter of the products, and what follows them in one pass: see winograd.cpp.

The definitions are `F.conv2d`, `F.conv_transpose2d`, `modulated.depthwise` and `kernels.finish`, one after
the other. Activations are `[N, C, H, W]` in channels_last, in float32 or bfloat16.
"""

from __future__ import annotations

import ctypes
import math
from ctypes import c_float, c_int, c_long, c_void_p
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from render.networks.compiling import COMPILED

SOURCE = Path(__file__).with_name("winograd.cpp")
TILES = 24  # at most so many at once: their transforms stay in the second cache
PAGE = 4096  # bytes: every thread's room begins on one of its own
SMALLEST = 32  # pixels: below, transforming a layer's weights takes longer than they save
SHORT_FROM = 64  # pixels: below, products of bfloat16 cost too much of a picture's precision
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


class _Finish(ctypes.Structure):
    _fields_ = (
        *((name, c_void_p) for name in ("scale", "noise", "strength", "bias", "next")),
        ("noise_samples", c_int),
        ("slope", c_float),
        ("clamp", c_float),
        ("plain", c_void_p),
        ("scaled", c_void_p),
    )


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
class Weights:
    """Transformed weights of one layer, from I to O channels; `doubles`: a transposed convolution."""

    packed: Tensor
    inputs: int
    outputs: int
    doubles: bool


class Winograd:
    """The library. Find it with `Winograd.find`."""

    def __init__(self, library: ctypes.CDLL):
        self._library = library
        library.packed_size.restype = library.convolve3x3.restype = c_long
        library.convolve3x3.argtypes = [
            *[c_int] * 3,
            _Shape,
            *[c_void_p] * 3,
            _Finish,
            c_int,
            c_int,
            c_void_p,
        ]
        library.pack_weights.argtypes = [c_int, c_int, c_void_p, c_int, c_int, c_void_p, c_int]
        library.low_pass.argtypes = [c_int, _Shape, c_void_p, c_void_p, c_int, _Finish, c_void_p, c_int]
        self.has_short_products = bool(library.has_short_products())

    @classmethod
    def find(cls, compiled: bool | None, device: torch.device, dtype: torch.dtype) -> Winograd | None:
        """The library for activations in `dtype`, if there is one; `compiled` as for other kernels."""
        if device.type != "cpu" or dtype not in FORMATS:
            return None
        library = COMPILED.library(SOURCE, compiled)
        return library and cls(library)

    def products(self, dtype: torch.dtype, size: int) -> torch.dtype | None:
        """The format of factors, for activations in `dtype` of `size` pixels a side; None: no Winograd."""
        if size < SMALLEST or (dtype != torch.float32 and _has_tiles()):
            return None
        is_short = dtype == torch.bfloat16 and self.has_short_products and size >= SHORT_FROM
        return torch.bfloat16 if is_short else torch.float32

    def weights(self, weight: Tensor, products: torch.dtype, doubles: bool = False) -> Weights:
        """weight [O, I, 3, 3], or [I, O, 3, 3] if it doubles, float32; `products`: the format of factors.

        Of 512 by 512 channels this takes as long as 40 pixels squared are worth: 6 ms.
        """
        weight = weight.contiguous()
        outputs, inputs = weight.shape[:2]
        if doubles:
            inputs, outputs = outputs, inputs
        packed = torch.empty(self._library.packed_size(doubles, inputs, outputs), dtype=products)
        is_short = products == torch.bfloat16
        self._library.pack_weights(
            doubles, is_short, _address(weight), inputs, outputs, _address(packed), torch.get_num_threads()
        )
        return Weights(packed, inputs, outputs, doubles)

    def convolve(
        self, x: Tensor, weights: Weights, style: Tensor | None, finish: Finish, pad: int = 1
    ) -> Tensor | tuple[Tensor, Tensor]:
        """x [N, I, H, W] times style [N, I], convolved and finished: plain, times the next styles, or both.

        With `pad` zeros around, [N, O, H + 2·pad - 2, …]; where the size doubles, [N, O, 2H+1, 2W+1].
        """
        n, inputs, height, width = x.shape
        size = (
            (2 * height + 1, 2 * width + 1)
            if weights.doubles
            else (height + 2 * pad - 2, width + 2 * pad - 2)
        )
        shape = _Shape(n, height, width, inputs, *size, weights.outputs, pad)
        results = _results(x, weights.outputs, size, finish)
        step, threads = 6 if weights.doubles else 4, torch.get_num_threads()
        tiles = n * math.prod(-(-side // step) for side in size)
        rounds = -(-tiles // (TILES * threads))  # all threads end at about the same time
        block = -(-tiles // (rounds * threads * 4)) * 4
        x = x.contiguous(memory_format=torch.channels_last)
        style = style if style is None else style.contiguous()
        formats = x.dtype == torch.bfloat16, weights.packed.dtype == torch.bfloat16
        inputs = _address(x), _address(style), _address(weights.packed)
        work = weights.doubles, *formats, shape, *inputs, finish.into(*results), block, threads
        room = torch.empty(self._library.convolve3x3(*work, None) * threads + PAGE, dtype=torch.uint8)
        self._library.convolve3x3(*work, -(-room.data_ptr() // PAGE) * PAGE)
        return _chosen(results)

    def low_pass(
        self, x: Tensor, taps: Tensor, before: int, size: tuple[int, int], finish: Finish
    ) -> Tensor | tuple[Tensor, Tensor]:
        """x [N, C, H, W] filtered by `taps [k]` along both axes, `before` zeros ahead: [N, C, *size]."""
        n, channels, height, width = x.shape
        x, taps = x.contiguous(memory_format=torch.channels_last), taps.flip(0).contiguous()
        results, threads = _results(x, channels, size, finish), torch.get_num_threads()
        room = torch.empty(threads * width * channels)
        self._library.low_pass(
            x.dtype == torch.bfloat16,
            _Shape(n, height, width, channels, *size, channels, before),
            _address(x),
            _address(taps),
            len(taps),
            finish.into(*results),
            _address(room),
            threads,
        )
        return _chosen(results)


def _has_tiles() -> bool:
    """AMX multiplies bfloat16 16 times as fast as float32 is: nothing is gained there."""
    probe = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return probe is not None and probe()


def _results(
    x: Tensor, channels: int, size: tuple[int, int], finish: Finish
) -> tuple[Tensor | None, Tensor | None]:
    """Room for what is wanted: plain, and times the next styles."""
    wanted = finish.keep or finish.next_style is None, finish.next_style is not None
    shape, form = (len(x), channels, *size), torch.channels_last
    plain, scaled = (torch.empty(shape, dtype=x.dtype, memory_format=form) if one else None for one in wanted)
    return plain, scaled


def _chosen(results: tuple[Tensor | None, Tensor | None]) -> Tensor | tuple[Tensor, Tensor]:
    there = tuple(result for result in results if result is not None)
    return there if len(there) > 1 else there[0]


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
