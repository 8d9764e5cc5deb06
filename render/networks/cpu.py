"""A library for the CPU, cpp/: convolutions with a quarter of the products, and fewer passes over memory.

Its definitions: `F.conv2d`, `F.conv_transpose2d`, `modulated.depthwise`, `kernels.finish`, `ops.upsample2d`.
Activations are `[N, C, H, W]` in channels_last, in float32 or bfloat16.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import c_bool, c_int, c_long, c_void_p
from pathlib import Path

import torch
from torch import Tensor

from render.networks.compiling import COMPILED
from render.networks.cpu_passes import (
    AliasFree,
    AliasFreeForm,
    Colours,
    ColoursForm,
    FilterForm,
    Finish,
    FinishForm,
    LowPass,
    Scheme,
    ShapeForm,
    Weights,
    address,
)
from render.networks.threads import thread_count

SOURCE = Path(__file__).parent / "cpp" / "library.cpp"
PAGE = 4096  # bytes: every thread's room begins on one of its own
# Pixels from which fewer products pay, though weights grow fourfold: tests/benchmarks/layers.py measures it.
SMALLEST = {torch.float32: 8, torch.bfloat16: 16}
SHORT_FROM = 32  # pixels: below, `EVEN` products of bfloat16 cost too much of a picture's precision
FORMATS = (torch.float32, torch.bfloat16)


class CpuLibrary:
    """The library. Find it with `CpuLibrary.find`."""

    def __init__(self, library: ctypes.CDLL):
        pointer = c_void_p
        for function in (library.weights_size, library.convolve_tiles, library.activate_finely):
            function.restype = c_long
        library.pack_weights.argtypes = [c_int, c_bool, pointer, c_int, c_int, pointer, pointer, c_int]
        library.convolve_tiles.argtypes = [
            *(c_int, c_bool, c_bool, ShapeForm, pointer, pointer, pointer),
            *(FilterForm, FinishForm, ColoursForm, c_int, pointer),
        ]
        data = c_bool, ShapeForm, pointer
        library.filter_channels.argtypes = [*data, FilterForm, FinishForm, pointer, c_int]
        library.scale_channels.argtypes = [*data, pointer, pointer, pointer, pointer, c_int]
        library.average_channels.argtypes = [*data, pointer, pointer, pointer, c_int]
        library.activate_finely.argtypes = [*data, AliasFreeForm, pointer, c_int, pointer]
        library.draw_colours.argtypes = [c_bool, ColoursForm, pointer, c_int, c_int, pointer, c_int]
        library.fade_parts.argtypes = [*data, pointer, FinishForm, c_int]
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
        packed, energy = torch.empty(size, dtype=products), torch.empty(inputs, outputs)
        self._library.pack_weights(
            scheme.number,
            products == torch.bfloat16,
            address(weight),
            inputs,
            outputs,
            address(packed),
            address(energy),
            thread_count(),
        )
        return Weights(packed, scheme, inputs, outputs, energy)

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
        shape = ShapeForm(n, *size, inputs, *grown, weights.outputs, pad)
        results, picture, own, _owned = (None, None), None, ColoursForm(), None
        assert colours is None or (low_pass is None and out is None)
        if colours is None:
            results = _results(x, weights.outputs, low_pass.size if low_pass else grown, finish, out)
        else:
            picture, own, _owned = colours.room(grown)
        x = x.contiguous(memory_format=torch.channels_last)
        style = style if style is None else style.contiguous()
        formats = x.dtype == torch.bfloat16, weights.packed.dtype == torch.bfloat16
        inputs = address(x), address(style), address(weights.packed)
        after = low_pass.for_library() if low_pass else FilterForm(), finish.into(*results), own
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
            ShapeForm(n, height, width, channels, *low_pass.size, channels, low_pass.before),
            address(x),
            low_pass.for_library(),
            finish.into(*results),
            address(room),
            threads,
        )
        return _chosen(results)

    def scale(
        self, x: Tensor, factor: Tensor, mean: Tensor | None = None, shift: Tensor | None = None
    ) -> Tensor:
        """(x - mean) · factor + shift: x [N, C, H, W], the others [N, C]."""
        x = x.contiguous(memory_format=torch.channels_last)
        owned = [own if own is None else own.contiguous() for own in (mean, factor, shift)]
        results = torch.empty_like(x)
        rest = *map(address, owned), address(results), thread_count()
        self._library.scale_channels(x.dtype == torch.bfloat16, _shape_of(x), address(x), *rest)
        return results

    def averages(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and the variance of every channel of x [N, C, H, W]: float32 [N, C] each."""
        x = x.contiguous(memory_format=torch.channels_last)
        mean, variance = torch.empty(2, *x.shape[:2])
        room = torch.empty(len(x), x.shape[2], 2, x.shape[1])
        rest = *map(address, (mean, variance, room)), thread_count()
        self._library.average_channels(x.dtype == torch.bfloat16, _shape_of(x), address(x), *rest)
        return mean, variance

    def alias_free(self, x: Tensor, scale: Tensor, bias: Tensor, activation: AliasFree) -> Tensor:
        """x [N, C, H, W] · scale [N, C] + bias [C], activated: [N, C, *size]."""
        n, channels, *size = x.shape
        x, threads = x.contiguous(memory_format=torch.channels_last), thread_count()
        shape = (n, channels, *activation.size)
        results = torch.empty(shape, dtype=x.dtype, memory_format=torch.channels_last)
        scale, bias = scale.contiguous(), bias.contiguous()
        shapes = ShapeForm(n, *size, channels, *activation.size, channels, 0)
        own = activation.for_library(scale, bias)
        work = x.dtype == torch.bfloat16, shapes, address(x), own, address(results), threads
        room = torch.empty(self._library.activate_finely(*work, None) + PAGE, dtype=torch.uint8)
        self._library.activate_finely(*work, -(-room.data_ptr() // PAGE) * PAGE)
        return results

    def fade(self, parts: Tensor, weights: Tensor, finish: Finish) -> Tensor | tuple[Tensor, Tensor]:
        """Σ weights [N, 3] · parts [3, C, H, W], finished, with a bias for every sample: [N, C, H, W]."""
        n, (channels, *size) = len(weights), parts.shape[1:]
        results = _results(parts[:1].expand(n, -1, -1, -1), channels, size, finish)
        self._library.fade_parts(
            parts.dtype == torch.bfloat16,
            ShapeForm(n, *size, channels, *size, channels, 0),
            address(parts),
            address(weights),
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
            x.dtype == torch.bfloat16, own, address(x), n, inputs, address(room), threads
        )
        return picture


def _shape_of(x: Tensor) -> ShapeForm:
    """x [N, C, H, W], for passes that change neither size nor channels."""
    n, channels, *size = x.shape
    return ShapeForm(n, *size, channels, *size, channels, 0)


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
